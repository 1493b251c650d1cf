"""Writes into pyproject.toml what the Comfy Registry asks for and only the place of publishing
knows: the repository's address, the icon's, and the publisher.

Run before publishing: python .ci/registry_metadata.py OWNER/REPOSITORY COMMIT [PUBLISHER]
"""

import re
import sys
from pathlib import Path

ICON = "web/images/icon.png"


def with_address(text: str, repository: str, commit: str, publisher: str = "") -> str:
    """pyproject.toml's text with [project.urls], Icon and PublisherId for the registry."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository) or not re.fullmatch(
        r"[0-9a-f]{40}", commit
    ):
        raise SystemExit(f"not OWNER/REPOSITORY and a commit: {repository} {commit}")
    home = f"https://github.com/{repository}"
    icon = f"https://raw.githubusercontent.com/{repository}/{commit}/{ICON}"
    urls = f'[project.urls]\nRepository = "{home}"\n"Bug Tracker" = "{home}/issues"\n\n'
    text = text.replace("[tool.comfy]\n", f'{urls}[tool.comfy]\nIcon = "{icon}"\n', 1)
    if publisher:
        text = re.sub(r'(?m)^PublisherId = ".*"$', f'PublisherId = "{publisher}"', text)
    return text


if __name__ == "__main__":
    path = Path(__file__).parents[1] / "pyproject.toml"
    path.write_text(with_address(path.read_text(encoding="utf-8"), *sys.argv[1:]), encoding="utf-8")
