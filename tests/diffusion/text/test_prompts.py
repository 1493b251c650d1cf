"""Prompts: the paper's own as it is stored, others by a text encoder."""

import pytest
import torch
from safetensors.torch import save_file

from magicportrait_core.diffusion.checkpoints.model_files import find_model_files
from magicportrait_core.diffusion.checkpoints.parts import read_text
from magicportrait_core.diffusion.checkpoints.tiny_models import make_tiny
from magicportrait_core.diffusion.layers.configs import TextConfig
from magicportrait_core.diffusion.text import prompts
from magicportrait_core.diffusion.text.prompts import embed_prompt
from magicportrait_core.diffusion.text_encoder import TextEncoder, encode_prompt
from magicportrait_core.errors import InputError


def test_prompts(tmp_path, monkeypatch):
    make_tiny(tmp_path)
    models, folder = tmp_path, tmp_path / "magicportrait"
    torch.manual_seed(0)
    config = TextConfig(768, 64, layers=1, heads=12, vocabulary=49408)
    text_encoder = TextEncoder(config).eval().requires_grad_(False)
    files = find_model_files(models)
    assert torch.equal(embed_prompt(models, files), read_text(files.text))
    with pytest.raises(InputError, match=r"text_encoder/model\.safetensors .* is not in"):
        embed_prompt(models, files, "a face")
    path = folder / "stable-diffusion-v1-5" / "text_encoder" / "model.safetensors"
    path.parent.mkdir(parents=True)
    save_file(text_encoder.state_dict(), path)
    with pytest.raises(InputError, match=r"needs vocab\.json.*tokenizer/vocab\.json .* is not in"):
        embed_prompt(models, files, "a face")
    monkeypatch.setattr(prompts, "tokens_of", lambda prompt, folder: (320, 1710))
    made = embed_prompt(models, files, "a face")
    assert torch.equal(made, encode_prompt(text_encoder, (320, 1710)))
