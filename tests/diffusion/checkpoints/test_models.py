"""All networks out of their files, and what is wrong with a set of them."""

import shutil

import pytest
import torch
from safetensors.torch import save_file

from magicportrait_core.diffusion.checkpoints import models as models_module
from magicportrait_core.diffusion.checkpoints.model_files import (
    ModelFiles,
    check_whole,
    find_model_files,
)
from magicportrait_core.diffusion.checkpoints.models import load_models
from magicportrait_core.errors import InputError


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_types_of_numbers(made, dtype):
    loaded = load_models(find_model_files(made), dtype)
    for network in (loaded.unet, loaded.reference, loaded.vae, *loaded.encoders.values()):
        assert {tensor.dtype for tensor in network.state_dict().values()} == {dtype}
    assert loaded.text.dtype == torch.float32
    assert list(loaded.encoders) == ["depth", "normal", "render"]
    assert loaded.sources["text"] == {"prompt.safetensors": 1}


def test_one_encoder_in_two_places(models, folder):
    shutil.copy(folder / "guidance_encoder_depth.pth", folder / "guidance_encoder_render.pth")
    with pytest.raises(InputError, match="encoders of depth and render maps are the same"):
        load_models(find_model_files(models))


def test_texts_of_another_width(models, folder):
    save_file({"embedding": torch.ones(1, 77, 32)}, folder / "prompt.safetensors")
    with pytest.raises(InputError, match=r"prompt\.safetensors has 32 channels, .* reads 768"):
        load_models(find_model_files(models))


def test_files_without_a_vae_are_not_loaded(made):
    files = find_model_files(made)
    with pytest.raises(InputError, match="without a VAE or a text"):
        load_models(ModelFiles(files.parts, None, files.text))


def test_memory_that_runs_out_is_one_sentence(made, monkeypatch):
    def full(*_):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(models_module, "build_module", full)
    with pytest.raises(InputError, match=r"not enough memory for the models: lower .*float16"):
        load_models(find_model_files(made))


def test_a_file_that_is_cut_off_is_told_at_once(models, folder):
    files = find_model_files(models)
    check_whole(files)
    check_whole(find_model_files(models, vae=False, text=False))
    for path in (folder / "reference_unet.pth", files.vae, files.text):
        whole = path.read_bytes()
        path.write_bytes(whole[:-100])
        with pytest.raises(InputError, match=rf"{path.name} is damaged \(its end is missing\)"):
            check_whole(files)
        path.write_bytes(whole)
