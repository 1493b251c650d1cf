"""Official files into their places."""

import shutil

import pytest
import torch
from safetensors.torch import save_file

from magicportrait_core.diffusion.checkpoints.combined import convert_models
from magicportrait_core.diffusion.checkpoints.model_files import find_model_files
from magicportrait_core.diffusion.checkpoints.model_folders import ModelFolders
from magicportrait_core.diffusion.checkpoints.models import load_models
from magicportrait_core.errors import InputError
from magicportrait_core.model_files.importing import import_any
from magicportrait_core.model_files.listing import glance_all
from magicportrait_core.weights.records import sha256_of
from magicportrait_core.weights.state_files import read_state
from tests.official_files import gnm_arrays, write_gnm


@pytest.fixture(scope="module")
def made(made):
    """The networks' own folder."""
    return made / "magicportrait"


def test_a_whole_set(made, tmp_path):
    """Under names of their makers or of a browser; what they are is in them."""
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    names = {
        "denoising_unet.pth": "denoising_unet (1).pth",
        "reference_unet.pth": "ref.pth",
        "motion_module-47360.pth": "mm.pth",
        "guidance_encoder_depth.pth": "guidance_encoder_depth.pth",
        "guidance_encoder_normal.pth": "enc-normal.pth",
        "guidance_encoder_render.pth": "render.pth",
        "sd-vae-ft-mse/diffusion_pytorch_model.safetensors": "vae.safetensors",
        "prompt.safetensors": "p.safetensors",
    }
    models = tmp_path / "models"
    for name, called in names.items():
        shutil.copy(made / name, downloads / called)
        report = import_any(downloads / called, models)
        assert report.output == models / "magicportrait" / name
        assert report.sha256 == sha256_of(made / name) == sha256_of(report.output)
        assert report.source == called
    assert len(list(downloads.iterdir())) == len(names)
    find_model_files(models)
    again = import_any(downloads / "mm.pth", models)
    assert again.notes == ("is in its place already",)
    assert import_any(again.output, models).notes == ("is in its place already",)


def test_files_rewritten_as_safetensors_are_found_again(made, tmp_path):
    """As people share them; a wrong suffix does not matter."""
    models = tmp_path / "models"
    for path in made.glob("*.pth"):
        called = tmp_path / path.with_suffix(".safetensors").name
        save_file({key: t.clone() for key, t in read_state(path).items()}, called)
        if path.stem == "reference_unet":
            called = called.rename(tmp_path / "reference_unet.pth")
        report = import_any(called, models)
        assert report.output == models / "magicportrait" / f"{path.stem}.safetensors"
        assert "Apache-2.0" in report.licence
    with pytest.raises(InputError, match=r"reference_unet\.safetensors is there already"):
        import_any(made / "reference_unet.pth", models)
    import_any(made / "prompt.safetensors", models)
    import_any(made / "sd-vae-ft-mse" / "diffusion_pytorch_model.safetensors", models)
    files = find_model_files(models)
    assert [path.suffix for path in files.parts["denoising_unet"]] == [".safetensors"] * 2
    load_models(files)
    states = {glance.entry.key: glance.state for glance in glance_all(models)}
    assert states["denoising_unet"] == states["motion_module"] == "here"


@pytest.mark.parametrize("dtype", ["fp16", "bf16"])
def test_a_combined_file_is_found_again(made, tmp_path, dtype):
    convert_models(find_model_files(made.parent), tmp_path / "mine.safetensors", dtype)
    report = import_any(tmp_path / "mine.safetensors", tmp_path / "models")
    assert ModelFolders.of(tmp_path / "models").combined() == report.output
    assert dtype in report.output.name
    torch.save(read_state(report.output), tmp_path / "mine.pth")
    torch.save(read_state(made / "prompt.safetensors"), tmp_path / "prompt.pth")
    for name, what in (("mine.pth", "all parts in one"), ("prompt.pth", "a prompt's embedding")):
        with pytest.raises(InputError, match=f"{name} holds {what}, which is read from .safetens"):
            import_any(tmp_path / name, tmp_path / "models")


def test_what_is_there_is_not_replaced(made, tmp_path):
    report = import_any(made / "reference_unet.pth", tmp_path)
    torch.save(
        {k: t + 1 for k, t in read_state(made / "reference_unet.pth").items()}, tmp_path / "r.pth"
    )
    with pytest.raises(InputError, match=r"is there already and differs from r\.pth"):
        import_any(tmp_path / "r.pth", tmp_path)
    assert sha256_of(report.output) == sha256_of(made / "reference_unet.pth")


def test_what_its_content_leaves_open(made, tmp_path):
    shutil.copy(made / "guidance_encoder_depth.pth", tmp_path / "a.pth")
    with pytest.raises(InputError, match="--as guidance_depth, guidance_normal or guidance_render"):
        import_any(tmp_path / "a.pth", tmp_path)
    report = import_any(tmp_path / "a.pth", tmp_path, declared="guidance_normal")
    assert report.output.name == "guidance_encoder_normal.pth"
    with pytest.raises(InputError, match="holds a guidance encoder, where"):
        import_any(tmp_path / "a.pth", tmp_path, declared="reference_unet")
    shutil.copy(made / "denoising_unet.pth", tmp_path / "b.pth")
    with pytest.raises(InputError, match="--as denoising_unet, reference_unet or sd15_unet"):
        import_any(tmp_path / "b.pth", tmp_path)


@pytest.mark.parametrize("name", ["v1-5-pruned.safetensors", "mine.safetensors"])
def test_a_checkpoint_is_found_again(made, tmp_path, name):
    from tests.ldm_layout import ldm_unet

    state = {
        f"model.diffusion_model.{k}": t
        for k, t in ldm_unet(read_state(made / "denoising_unet.pth")).items()
    }
    save_file(state, tmp_path / name)
    report = import_any(tmp_path / name, tmp_path / "models")
    assert ModelFolders.of(tmp_path / "models").sd15_checkpoint() == report.output


def test_head_models_and_others(tmp_path):
    write_gnm(tmp_path / "gnm_head.npz", gnm_arrays())
    assert import_any(tmp_path / "gnm_head.npz", tmp_path).output.name == "gnm_head.safetensors"
    (tmp_path / "vocab.json").write_text("{}")
    report = import_any(tmp_path / "vocab.json", tmp_path)
    assert report.output.parent.name == "tokenizer"
    with pytest.raises(InputError, match="is a folder: name the files in it"):
        import_any(tmp_path, tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        import_any(tmp_path / "none.pth", tmp_path)
    torch.save({"x.lora_up.weight": torch.ones(1)}, tmp_path / "l.pth")
    with pytest.raises(InputError, match=r"l\.pth is a LoRA: put it into"):
        import_any(tmp_path / "l.pth", tmp_path)
    for declared in ("flame2023", "../../x", "sd15_vocab"):
        with pytest.raises(InputError, match=rf"l\.pth is a diffusion file, which .*{declared}"):
            import_any(tmp_path / "l.pth", tmp_path, declared=declared)
    torch.save({"conv_in.weight": torch.ones(1), "blocks.0.weight": torch.ones(1)}, tmp_path / "g")
    (tmp_path / "g").rename(tmp_path / "depth.pth")
    with pytest.raises(InputError, match=r"depth\.pth was not copied: "):
        import_any(tmp_path / "depth.pth", tmp_path)
    (tmp_path / "cut.pth").write_bytes(b"PK\x03\x04")
    with pytest.raises(InputError, match=r"cut\.pth is damaged"):
        import_any(tmp_path / "cut.pth", tmp_path)
