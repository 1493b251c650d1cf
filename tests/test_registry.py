"""What the Comfy Registry asks of a pack: its metadata, its icon, and nothing its scanner flags."""

from __future__ import annotations

import ast
import importlib.util
import io
import re
import sys
import tokenize
from fnmatch import fnmatch
from pathlib import Path

import pytest
from PIL import Image

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest brings it where Python has none

ROOT = Path(__file__).resolve().parents[1]
#: what a user of the pack gets, besides README, LICENSE and the like
SHIPPED = ("__init__.py", "magicportrait_core", "nodes", "web", "workflows")
#: calls that run what a string says, or another program
CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "os.system",
    "os.popen",
    "os.execv",
    "os.startfile",
}
MODULES = {"subprocess", "pty", "socket", "pip", "ensurepip", "pkg_resources", "marshal"}


def shipped(suffix: str) -> list[Path]:
    tops = [ROOT / top for top in SHIPPED]
    found = [p for top in tops for p in ([top] if top.is_file() else sorted(top.rglob("*")))]
    return [path for path in found if path.suffix == suffix]


def flagged(source: str) -> list[str]:
    """What a scanner would complain of in Python source."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in CALLS:
            found.append(f"{node.lineno}: {ast.unparse(node.func)}")
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            found += [f"{node.lineno}: {n}" for n in names if n.split(".")[0] in MODULES]
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.OP and token.string == ";":
            found.append(f"{token.start[0]}: several statements in a line")
    return found


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("eval('1')", "1: eval"),
        ("import os\nos.system('ls')", "2: os.system"),
        ("def f():\n    import subprocess", "2: subprocess"),
        ("from subprocess import run", "1: subprocess"),
        ("a = 1; b = 2", "1: several statements in a line"),
    ],
)
def test_the_scan_sees(source, what):
    assert flagged(source) == [what]


def test_nothing_shipped_is_flagged():
    files = shipped(".py")
    assert len(files) > 100
    found = {path: flagged(path.read_text(encoding="utf-8")) for path in files}
    assert {str(path): faults for path, faults in found.items() if faults} == {}


def test_scripts_of_the_page_run_no_strings_and_load_nothing_from_elsewhere():
    files = shipped(".js")
    assert files
    for path in files:
        text = path.read_text(encoding="utf-8")
        for forbidden in (r"\beval\s*\(", r"new Function", r"document\.write", r"https?://"):
            assert not re.search(forbidden, text), f"{path.name}: {forbidden}"
        for module in re.findall(r"from \"([^\"]+)\"", text):
            known = re.fullmatch(r"(\.\./)+scripts/(api|app)\.js", module)
            assert known or (path.parent / module).is_file(), f"{path.name}: {module}"


def test_tests_stay_out_of_the_archive_and_the_pack_does_not():
    lines = (ROOT / ".comfyignore").read_text(encoding="utf-8").splitlines()
    ignored = [line.rstrip("/") for line in lines if line and not line.startswith("#")]
    assert {"tests", ".ci", ".github"} <= set(ignored)
    for name in (*SHIPPED, "README.md", "LICENSE", "NOTICE", "pyproject.toml", "requirements.txt"):
        assert not any(fnmatch(name, pattern) for pattern in ignored)


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_metadata(project):
    """https://docs.comfy.org/registry/specifications"""
    about, comfy = project["project"], project["tool"]["comfy"]
    assert re.fullmatch(r"[a-z][a-z0-9]*([-_.][a-z0-9]+)*", about["name"])
    assert "comfy" not in about["name"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", about["version"])
    assert comfy["PublisherId"]
    assert comfy["DisplayName"]
    assert re.fullmatch(r">=\d+\.\d+\.\d+", comfy["requires-comfyui"])
    assert "web" not in comfy, "WEB_DIRECTORY of __init__.py says it"
    graphics = {c for c in about["classifiers"] if c.startswith("Environment ::")}
    assert graphics == {"Environment :: GPU :: NVIDIA CUDA"}, "what the core is tested on"
    assert "Operating System :: OS Independent" in about["classifiers"]


def test_icon():
    with Image.open(ROOT / "web" / "images" / "icon.png") as icon:
        assert icon.size == (400, 400)
        assert icon.mode == "RGBA"


def test_addresses_are_written_before_publishing():
    spec = importlib.util.spec_from_file_location(
        "registry_metadata", ROOT / ".ci" / "registry_metadata.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    written = tomllib.loads(module.with_address(text, "some-one/Pack", "a" * 40, "someone"))
    before = tomllib.loads(text)
    urls = written["project"].pop("urls")
    assert urls["Repository"] == "https://github.com/some-one/Pack"
    icon = written["tool"]["comfy"].pop("Icon")
    assert icon.endswith("/some-one/Pack/" + "a" * 40 + "/" + module.ICON)
    assert (ROOT / module.ICON).is_file()
    assert written["tool"]["comfy"].pop("PublisherId") == "someone"
    del before["tool"]["comfy"]["PublisherId"]
    assert written == before
    with pytest.raises(SystemExit, match="not OWNER/REPOSITORY"):
        module.with_address(text, 'x"\n', "a" * 40)


def test_publishing_is_pinned_and_meant():
    text = (ROOT / ".github" / "workflows" / "publish.yml").read_text(encoding="utf-8")
    assert re.search(r"uses: Comfy-Org/publish-node-action@[0-9a-f]{40}\n", text)
    assert "branches" not in text, "a push to a branch publishes nothing"
    assert 'tags: ["v*"]' in text
