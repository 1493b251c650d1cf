"""Prompts to tokens. The whole vocabulary is not part of this repository: a small one stands for
it, and ComfyUI's is compared with where COMFYUI_PATH names one."""

import json
import os
import sys
from pathlib import Path

import pytest

from magicportrait_core.diffusion.text.tokenizer import tokens_of
from magicportrait_core.diffusion.text_encoder import PROMPT, PROMPT_IDS
from magicportrait_core.errors import InputError


@pytest.fixture
def folder(tmp_path):
    words = ["<|startoftext|>", "<|endoftext|>", "a", "c", "t", "a</w>", "c</w>", "t</w>", ".</w>"]
    words += ["ca", "cat</w>"]
    folder = tmp_path / "magicportrait" / "stable-diffusion-v1-5" / "tokenizer"
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps({word: n for n, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\nc a\nca t</w>\n")
    return folder


def test_merges(folder):
    pytest.importorskip("tokenizers")
    assert tokens_of("A  cat.\nat", folder) == (5, 10, 8, 2, 7)
    assert tokens_of("", folder) == ()


def test_missing_files_and_package(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(InputError, match="pip install tokenizers"):
        tokens_of("a", folder)
    (folder / "merges.txt").unlink()
    with pytest.raises(InputError, match=r"needs merges\.txt, .*weights download sd15_merges"):
        tokens_of("a", folder)


@pytest.mark.parametrize(
    "prompt",
    [
        PROMPT,
        "a PHOTO of   the man's\n 12 cats, naïve café!! it's 3.5% 日本 😀 don't we'll",
        "",
        "x" * 60,
        "<|endoftext|> é",
    ],
)
def test_against_transformers(prompt):
    pytest.importorskip("tokenizers")
    transformers = pytest.importorskip("transformers")
    if not os.environ.get("COMFYUI_PATH"):
        pytest.skip("COMFYUI_PATH names no ComfyUI, whose vocabulary is compared with")
    folder = Path(os.environ["COMFYUI_PATH"]).expanduser() / "comfy" / "sd1_tokenizer"
    theirs = transformers.CLIPTokenizer.from_pretrained(folder)
    found = tokens_of(prompt, folder)
    assert list(found) == theirs(prompt)["input_ids"][1:-1]
    if prompt == PROMPT:
        assert found == PROMPT_IDS
