"""What an install promises: pyproject, requirements, the README's commands, the wheel's data."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
import typer

import magicportrait_core
from magicportrait_core.cli.app import app
from magicportrait_core.demo import demo_portrait_path, render_demo_driver
from magicportrait_core.faces.networks import load_networks
from magicportrait_core.video import open_video

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest brings it where Python has none

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "magicportrait_core"
TEST_COMMAND = 'pip install -e ".[test]" && pytest'
#: distribution -> the name it is imported by, where they differ
IMPORT_NAMES = {"pillow": "PIL"}
#: imported where they are installed, to compare with: pytorch3d is in no registry in a form that
#: suits every torch, smplx is timed by `bench flame` and nothing else
UNDECLARED = {"pytorch3d", "smplx"}


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def names_of(requirements: list[str]) -> set[str]:
    """['av>=14.2'] -> {'av'}."""
    return {re.match(r"[\w.-]+", line)[0].lower() for line in requirements}


def imported() -> set[str]:
    """Top names of every absolute import in the core, those inside functions too."""
    found = set()
    for path in CORE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add(node.module.split(".")[0])
    return found


def test_python_has_no_upper_cap(project):
    assert project["project"]["requires-python"] == ">=3.10"


def test_one_version(project):
    assert magicportrait_core.__version__ == project["project"]["version"]


def test_dependencies_are_those_imported(project):
    declared = {IMPORT_NAMES.get(n, n) for n in names_of(project["project"]["dependencies"])}
    optional = {
        n
        for extra, lines in project["project"]["optional-dependencies"].items()
        if extra not in {"test", "dev"}
        for n in names_of(lines)
    }
    third_party = imported() - sys.stdlib_module_names
    assert third_party == declared | optional | UNDECLARED


def test_requirements_are_unpinned_dependencies(project):
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    names = [line for line in lines if line and not line.startswith("#")]
    assert names
    assert all(re.fullmatch(r"[\w-]+", name) for name in names)
    assert set(names) <= names_of(project["project"]["dependencies"])


def test_data_files_reach_the_wheel(project):
    patterns = project["tool"]["setuptools"]["package-data"]["*"]
    for path in CORE.rglob("*"):
        if path.is_file() and path.suffix not in {".py", ".pyc"}:
            assert any(fnmatch(path.name, pattern) for pattern in patterns), path


def test_code_folders_are_packages():
    for path in CORE.rglob("*.py"):
        assert (path.parent / "__init__.py").exists(), path


@pytest.mark.parametrize("folder", ["magicportrait_core", "nodes", "tests"])
def test_sources_are_python_3_10(folder):
    for path in (ROOT / folder).rglob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=(3, 10))


def test_readme_test_command_is_the_workflows(readme):
    assert TEST_COMMAND in readme.splitlines()
    workflow = (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    assert f"run: {TEST_COMMAND}\n" in workflow


def test_readme_names_real_commands_and_options(readme):
    commands = typer.main.get_command(app).commands
    named = set(re.findall(r"magicportrait ([a-z]+)", readme))
    assert {"reenact", "demo", "still", "track", "doctor"} <= named
    assert named <= set(commands)
    every = [c for top in commands.values() for c in (top, *getattr(top, "commands", {}).values())]
    options = {o for c in every for p in c.params for o in p.opts} | {"--help"}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", readme)) <= options


def test_readme_links_exist(readme):
    links = re.findall(r"\]\(([^)#:]+)\)", readme) + re.findall(r'src="([^":]+)"', readme)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_readme_pictures_are_small(readme):
    pictures = [ROOT / p for p in re.findall(r"!\[[^]]*\]\(([^)]+)\)", readme)]
    assert pictures
    assert all(p.stat().st_size < 150_000 for p in pictures)


def test_readme_python_example_runs(readme, tmp_path):
    """The Python block, with a shipped picture and a short clip under the names it uses."""
    (tmp_path / "portrait.jpg").write_bytes(demo_portrait_path().read_bytes())
    render_demo_driver(tmp_path / "driving.mp4", load_networks(), frames=6)
    code = re.search(r"```python\n(.*?)```", readme, re.DOTALL)[1]
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert run.returncode == 0, run.stderr
    assert open_video(tmp_path / "out.mp4").frame_count == 6
