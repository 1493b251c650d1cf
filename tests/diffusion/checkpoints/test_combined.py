"""All parts in one file."""

import json
import shutil

import pytest
import torch
from safetensors import safe_open

from magicportrait_core.diffusion.checkpoints import combined
from magicportrait_core.diffusion.checkpoints.combined import (
    DTYPES,
    catalogued,
    convert_models,
    read_metadata,
)
from magicportrait_core.diffusion.checkpoints.model_files import (
    PARTS,
    ModelFiles,
    find_model_files,
    read_part,
)
from magicportrait_core.diffusion.checkpoints.models import load_models
from magicportrait_core.diffusion.checkpoints.parts import read_text, read_vae
from magicportrait_core.diffusion.checkpoints.unused import is_unused
from magicportrait_core.errors import InputError
from magicportrait_core.weights.records import sha256_of


@pytest.fixture(scope="module")
def converted(made, tmp_path_factory):
    """A combined file that is read and never changed."""
    output = tmp_path_factory.mktemp("converted") / "magicportrait_bf16.safetensors"
    return convert_models(find_model_files(made), output, "bf16")


@pytest.mark.parametrize("dtype", ["fp16", "bf16", "fp32"])
def test_what_is_read_back(made, converted, tmp_path, dtype):
    files, report = find_model_files(made), converted
    if dtype != "bf16":
        report = convert_models(files, tmp_path / "x.safetensors", dtype)
    output = report.output
    assert report.size == output.stat().st_size
    whole = ModelFiles.of_combined(output)
    pairs = [(read_part(files, part)[0], read_part(whole, part)[0]) for part in PARTS]
    for official, found in (*pairs, (read_vae(files.vae), read_vae(output))):
        assert official.keys() == found.keys()
        for key, tensor in found.items():
            wanted = torch.float32 if key.endswith(".pe") else DTYPES[dtype]
            assert tensor.dtype == wanted
            assert torch.equal(tensor, official[key].to(wanted))
    assert torch.equal(read_text(output), read_text(files.text))
    with safe_open(output, "pt") as file:
        keys = list(file.keys())
    assert len(keys) == report.tensors
    assert not any(is_unused("guidance_encoder", key.split(".", 1)[1]) for key in keys)


def test_its_metadata(made, converted, tmp_path):
    files, output = find_model_files(made), converted.output
    told = read_metadata(output)
    assert told["dtype"] == "bf16"
    assert told["prompt"] == "A close up of a person."
    sources = {source["file"]: source for source in json.loads(told["sources"])}
    assert len(sources) == 8
    motion = sources["motion_module-47360.pth"]
    assert motion["parts"] == ["denoising_unet"]
    assert motion["sha256"] == sha256_of(made / "magicportrait" / "motion_module-47360.pth")
    assert motion["licence"].startswith("Apache-2.0")
    assert sources["sd-vae-ft-mse/diffusion_pytorch_model.safetensors"]["licence"] == "MIT"
    assert "MIT" in told["licences"]
    again = convert_models(ModelFiles.of_combined(output), tmp_path / "b.safetensors", "fp16")
    assert {source.file for source in again.sources} == set(sources)
    assert read_metadata(files.vae) == {}


def test_it_goes_before_official_files(made, converted, tmp_path):
    shutil.copytree(made, tmp_path / "models")
    folder = tmp_path / "models" / "magicportrait"
    shutil.copy(converted.output, folder / "magicportrait_fp16.safetensors")
    found = find_model_files(tmp_path / "models")
    assert found.vae == found.text == folder / "magicportrait_fp16.safetensors"
    assert find_model_files(tmp_path / "models", combined=False).vae != found.vae
    (folder / "magicportrait_fp16.safetensors").rename(tmp_path / "other.safetensors")
    assert find_model_files(tmp_path, combined=tmp_path / "other.safetensors").vae is not None
    with pytest.raises(InputError, match=r"none\.safetensors does not exist"):
        find_model_files(tmp_path, combined=tmp_path / "none.safetensors")
    loaded = load_models(ModelFiles.of_combined(tmp_path / "other.safetensors"), torch.float16)
    assert loaded.sources["vae"] == {"other.safetensors": 176}


def test_values_that_do_not_fit(made, tmp_path):
    shutil.copytree(made, tmp_path / "models")
    path = tmp_path / "models" / "magicportrait" / "guidance_encoder_depth.pth"
    state = torch.load(path, weights_only=True)
    state["conv_in.bias"] = state["conv_in.bias"].float() + 1e5
    torch.save(state, path)
    files, output = find_model_files(tmp_path / "models"), tmp_path / "out.safetensors"
    with pytest.raises(InputError, match=r"guidance_encoder_depth\.conv_in\.bias has values"):
        convert_models(files, output, "fp16")
    assert list(tmp_path.iterdir()) == [tmp_path / "models"]
    convert_models(files, output, "bf16")


def test_inputs_are_kept_and_the_disk_looked_at(made, tmp_path, monkeypatch):
    files = find_model_files(made)
    with pytest.raises(InputError, match="is an input of this run"):
        convert_models(files, files.vae)
    with pytest.raises(InputError, match="must be one of fp16, bf16, fp32"):
        convert_models(files, tmp_path / "a.safetensors", "fp8")
    with pytest.raises(InputError, match=r"is written as \.safetensors, got a\.ckpt"):
        convert_models(files, tmp_path / "a.ckpt")
    with pytest.raises(InputError, match="does not exist"):
        convert_models(files, tmp_path / "no" / "a.safetensors")
    monkeypatch.setattr(combined.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 0))
    with pytest.raises(InputError, match=r"takes 23\.\d MB, 1 kB are free"):
        convert_models(files, tmp_path / "a.safetensors")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("x/denoising_unet.pth", "denoising_unet"),
        ("sd-vae-ft-mse/diffusion_pytorch_model.safetensors", "vae"),
        ("vae/vae-ft-mse-840000-ema-pruned.safetensors", "vae"),
        ("checkpoints/v1-5-pruned-emaonly.safetensors", "sd15_unet"),
        ("stable-diffusion-v1-5/unet/diffusion_pytorch_model.bin", "sd15_unet"),
        ("a/diffusion_pytorch_model.safetensors", None),
    ],
)
def test_licences_by_name(tmp_path, name, key):
    entry = catalogued(tmp_path / name)
    assert (entry and entry.key) == key
