"""Words for whoever reads them: a pip user, one who runs the package from the pack's folder."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import magicportrait_core
from magicportrait_core.weights import advice
from magicportrait_core.weights.catalog import entry_of, how_to_get_all

ROOT = Path(__file__).resolve().parents[2]
CORE = Path(magicportrait_core.__file__).parent


@pytest.mark.parametrize(
    ("started", "program"),
    [
        ("/usr/bin/magicportrait", "magicportrait"),
        (str(CORE / "__main__.py"), "python -m magicportrait_core"),
        (str(CORE / "cli"), f"{sys.executable} {CORE / 'cli'}"),
        (str(CORE / "cli" / "__main__.py"), f"{sys.executable} {CORE / 'cli'}"),
        ("/lib/pytest/__main__.py", "magicportrait"),
    ],
)
def test_a_command_is_typed_as_this_one_was(monkeypatch, started, program):
    monkeypatch.setattr(sys, "argv", [started, "weights"])
    assert advice.command("weights list") == f"`{program} weights list`"


def test_the_models_hint_is_one_that_works(monkeypatch, tmp_path):
    monkeypatch.setenv("MAGICPORTRAIT_MODELS", str(tmp_path))
    assert advice.models_option(tmp_path / "flame", "flame") == ""
    other = tmp_path / "more models"
    assert advice.models_option(other / "flame", "flame") == f' --models "{other}"'
    assert advice.models_option(other / "heads", "flame") is None


def test_a_folder_that_no_command_reaches_is_filled_by_hand(tmp_path):
    """extra_model_paths.yaml gives folders any name: the command would fill another one."""
    entry, heads = entry_of("gnm_head"), tmp_path / "heads"
    assert "`magicportrait weights download gnm_head --models" in entry.how_to_get(
        tmp_path / "flame"
    )
    sentence = entry.how_to_get(heads)
    assert "weights download" not in sentence
    assert f"is not in {heads}: download it from {entry.address} and put it there" in sentence
    keys = ["reference_unet", "guidance_depth"]
    assert "weights download" in how_to_get_all(keys, tmp_path / "magicportrait")
    assert "weights download" not in how_to_get_all(keys, tmp_path / "portraits")


def test_the_commands_run_where_no_working_folder_is_looked_into(tmp_path):
    """As in the Python of ComfyUI's Windows archive, which is isolated."""
    run = subprocess.run(
        [sys.executable, "-I", str(CORE / "cli"), "weights", "import", "nothing.pkl"],
        cwd=tmp_path,
        env={**os.environ, "MAGICPORTRAIT_MODELS": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.stderr.strip() == "Error: nothing.pkl does not exist."
    assert run.returncode == 2


def texts(source: str):
    """Every string of a module that is no docstring, with its line."""
    tree = ast.parse(source)
    documented = (ast.Module, ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in docstrings:
                yield node.lineno, node.value


@pytest.mark.parametrize("folder", ["magicportrait_core", "nodes"])
def test_no_message_has_a_command_of_its_own(folder):
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files
    found = [
        f"{path.relative_to(ROOT)}:{line} {text.strip()}"
        for path in files
        for line, text in texts(path.read_text(encoding="utf-8"))
        if "`magicportrait " in text or "python -m magicportrait" in text
    ]
    assert not found, "\n".join(found)
