"""Finding and reading the diffusion models' files, in every layout that they come in."""

import os

import pytest
import torch
from safetensors.torch import save_file

from magicportrait_core.diffusion.checkpoints.model_files import PARTS, find_model_files, read_part
from magicportrait_core.diffusion.checkpoints.official_shapes import base_shapes
from magicportrait_core.diffusion.checkpoints.parts import read_text, read_vae
from magicportrait_core.diffusion.checkpoints.tiny_models import UNET
from magicportrait_core.diffusion.layers.configs import TextConfig
from magicportrait_core.diffusion.text_encoder import TextEncoder, encode_prompt
from magicportrait_core.errors import InputError
from magicportrait_core.weights import state_files
from tests.ldm_layout import ldm_checkpoint, ldm_vae

VAE_LAYERS = 1


def read_state(path):
    """A copy in memory: these files are written over."""
    return {key: tensor.clone() for key, tensor in state_files.read_state(path).items()}


@pytest.fixture(scope="module")
def expected(made):
    """Part -> its tensors, as the official layout gives them."""
    files = find_model_files(made)
    return {part: read_part(files, part)[0] for part in PARTS}


@pytest.fixture(scope="module")
def base():
    """Stable Diffusion 1.5's UNet, tiny; its values differ from all others."""
    return {k: torch.full(s, 0.5, dtype=torch.float16) for k, s in base_shapes(UNET).items()}


@pytest.fixture(scope="module")
def text_encoder():
    torch.manual_seed(0)
    config = TextConfig(768, 64, layers=1, heads=12, vocabulary=49408)
    return TextEncoder(config).eval().requires_grad_(False)


def same(one, other):
    assert one.keys() == other.keys()
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_each_file_says_what_it_supplied(made):
    files = find_model_files(made)
    assert [path.name for path in files.parts["denoising_unet"]] == [
        "motion_module-47360.pth",
        "denoising_unet.pth",
    ]
    state, counts = read_part(files, "denoising_unet")
    assert counts == {"motion_module-47360.pth": 588, "denoising_unet.pth": 684}
    assert len(state) == 588 + 684
    assert read_part(files, "guidance_encoder_depth")[1] == {"guidance_encoder_depth.pth": 35}


@pytest.mark.parametrize("form", ["unet.safetensors", "unet.bin", "ldm.safetensors", "ldm.ckpt"])
def test_each_file_may_hold_a_part(models, folder, base, expected, text_encoder, form):
    """SD1.5's UNet in four forms, under files that hold what was trained only."""
    layout, suffix = form.split(".")
    if layout == "unet":
        place = folder / "stable-diffusion-v1-5" / "unet"
        state = base
        path = place / f"diffusion_pytorch_model.{suffix}"
    else:
        place = models / "checkpoints" / "sd"
        vae = read_state(folder / "sd-vae-ft-mse" / "diffusion_pytorch_model.safetensors")
        state = ldm_checkpoint(base, vae, VAE_LAYERS, text_encoder.state_dict())
        path = place / f"v1-5-pruned-emaonly.{suffix}"
    place.mkdir(parents=True)
    if suffix == "safetensors":
        save_file({key: tensor.contiguous() for key, tensor in state.items()}, path)
    else:
        torch.save({"state_dict": state, "global_step": 4} if layout == "ldm" else state, path)
    for name in ("denoising_unet", "reference_unet"):
        trained = read_state(folder / f"{name}.pth")
        kept = {key: tensor for key, tensor in trained.items() if "attentions" in key}
        torch.save(kept, folder / f"{name}.pth")
    files = find_model_files(models)
    for name in ("denoising_unet", "reference_unet"):
        state, counts = read_part(files, name)
        for key, tensor in state.items():
            own = "attentions" in key or "motion_modules" in key
            assert torch.equal(tensor, expected[name][key] if own else base[key])
        assert sum(counts.values()) == len(state)
        assert counts[f"{name}.pth"] == sum("attentions" in key for key in state)


def test_a_base_that_is_not_needed_is_not_opened(models, folder, expected):
    place = folder / "stable-diffusion-v1-5" / "unet"
    place.mkdir(parents=True)
    (place / "diffusion_pytorch_model.safetensors").write_bytes(b"damaged")
    state, counts = read_part(find_model_files(models), "denoising_unet")
    same(state, expected["denoising_unet"])
    assert counts["unet/diffusion_pytorch_model.safetensors"] == 0


def test_the_denoisers_file_may_hold_the_motion_modules(models, folder, expected):
    torch.save(expected["denoising_unet"], folder / "denoising_unet.pth")
    (folder / "motion_module-47360.pth").unlink()
    state, counts = read_part(find_model_files(models), "denoising_unet")
    same(state, expected["denoising_unet"])
    assert counts == {"denoising_unet.pth": 1272}


@pytest.mark.parametrize("wrap", ["module", "state_dict", "old form"])
def test_wrappers_and_absent_positions(models, folder, expected, wrap):
    path = folder / "motion_module-47360.pth"
    state = {k: t for k, t in read_state(path).items() if not k.endswith(".pe")}
    if wrap == "module":
        torch.save({f"module.{key}": tensor for key, tensor in state.items()}, path)
    elif wrap == "state_dict":
        torch.save({"state_dict": state, "epoch": 3}, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=False)
    same(read_part(find_model_files(models), "denoising_unet")[0], expected["denoising_unet"])


def test_unused_tensors_may_be_absent(models, folder, expected):
    for part in ("reference_unet", "guidance_encoder_normal"):
        torch.save(expected[part], folder / f"{part}.pth")
        same(read_part(find_model_files(models), part)[0], expected[part])


@pytest.mark.parametrize(
    "name",
    ["vae/vae-ft-mse-840000-ema-pruned.safetensors", "vae/sub/sd_vae_ft_mse.pt", "old", "missing"],
)
def test_the_vae_in_its_layouts(models, folder, made, name):
    own = folder / "sd-vae-ft-mse" / "diffusion_pytorch_model.safetensors"
    state = read_state(own)
    wanted = read_vae(own)
    own.unlink()
    if name == "missing":
        with pytest.raises(InputError, match=r"sd-vae-ft-mse.*about 335 MB.*Licence: MIT"):
            find_model_files(models)
        assert find_model_files(models, vae=False).vae is None
        return
    if name == "old":
        names = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
        for new, old in names.items():
            state = {k.replace(f".{new}.", f".{old}."): t for k, t in state.items()}
        save_file(state, own)
    else:
        path = models / name
        path.parent.mkdir(parents=True)
        theirs = ldm_vae(state, VAE_LAYERS)
        if path.suffix == ".pt":
            torch.save({"state_dict": theirs | {"loss.logvar": torch.ones(1)}}, path)
        else:
            save_file({key: tensor.contiguous() for key, tensor in theirs.items()}, path)
    same(read_vae(find_model_files(models).vae), wanted)


@pytest.mark.parametrize("place", ["diffusers", "checkpoint", "clip_l"])
def test_the_prompt_from_a_text_encoder(models, folder, base, text_encoder, place):
    (folder / "prompt.safetensors").unlink()
    state = text_encoder.state_dict()
    if place == "diffusers":
        path = folder / "stable-diffusion-v1-5" / "text_encoder" / "model.safetensors"
    elif place == "checkpoint":
        path = models / "checkpoints" / "v1-5-pruned.safetensors"
        vae = read_state(folder / "sd-vae-ft-mse" / "diffusion_pytorch_model.safetensors")
        state = ldm_checkpoint(base, vae, VAE_LAYERS, state)
    else:
        path = models / "text_encoders" / "clip_l.safetensors"
        state = state | {"logit_scale": torch.ones(())}
    path.parent.mkdir(parents=True)
    save_file({key: tensor.contiguous() for key, tensor in state.items()}, path)
    found = read_text(find_model_files(models).text)
    assert torch.equal(found, encode_prompt(text_encoder))


def test_values_of_a_mapped_file_can_be_changed(models, folder):
    """As a LoRA does: the file stays as it is."""
    files = find_model_files(models)
    encoder = files.parts["guidance_encoder_depth"][0]
    before = files.vae.read_bytes(), encoder.read_bytes()
    for state in (read_vae(files.vae), read_part(files, "guidance_encoder_depth")[0]):
        for tensor in state.values():
            was = tensor.clone()
            tensor += 1
            assert torch.equal(tensor, was + 1)
    assert (files.vae.read_bytes(), encoder.read_bytes()) == before


def test_all_that_is_missing_is_said_at_once(tmp_path):
    with pytest.raises(InputError) as caught:
        find_model_files(tmp_path)
    text = str(caught.value)
    assert text.startswith(f"8 files of the diffusion models are not in {tmp_path}")
    assert f'`magicportrait weights download diffusion --models "{tmp_path}"`' in text
    for words in (
        "denoising_unet.pth (5.25 GB)",
        "guidance_encoder_render.pth",
        "motion_module-47360.pth",
        "text_encoder/model.safetensors (492 MB)",
        "from https://huggingface.co/mengtingwei/MagicPortrait (licence: Apache-2.0",
        "(licence: MIT)",
        "(licence: CreativeML OpenRAIL-M)",
    ):
        assert words in text
    with pytest.raises(InputError, match=r"^6 files"):
        find_model_files(tmp_path, vae=False, text=False)


def test_one_file_missing(models, folder):
    (folder / "reference_unet.pth").unlink()
    with pytest.raises(InputError, match=r"^reference_unet\.pth .* about 3\.44 GB\) is not in"):
        find_model_files(models)


@pytest.mark.parametrize(
    ("there", "part", "holds"),
    [
        ("guidance_encoder_depth", "reference_unet", "a guidance encoder"),
        ("reference_unet", "denoising_unet", "a reference UNet"),
        ("motion_module-47360", "reference_unet", "motion modules"),
        ("denoising_unet", "guidance_encoder_render", "a whole UNet"),
        ("sd-vae-ft-mse/diffusion_pytorch_model", "reference_unet", "a VAE"),
    ],
)
def test_a_wrong_file_in_a_slot_is_named(models, folder, there, part, holds):
    found = next(p for p in folder.rglob("*") if str(p.with_suffix("")).endswith(there))
    state = read_state(found)
    torch.save({key: tensor.clone() for key, tensor in state.items()}, folder / f"{part}.pth")
    with pytest.raises(InputError, match=rf"^{part}\.pth holds {holds}.*, where the tensors of"):
        read_part(find_model_files(models), part)


def test_damage_code_and_extra_keys(models, folder):
    path = folder / "guidance_encoder_depth.pth"
    whole = path.read_bytes()
    path.write_bytes(whole[:-4000])
    with pytest.raises(InputError, match=r"guidance_encoder_depth\.pth is damaged"):
        read_part(find_model_files(models), "guidance_encoder_depth")

    class Calls:
        def __reduce__(self):
            return os.mkdir, (str(folder / "marker"),)

    torch.save({"conv_in.weight": Calls()}, path)
    with pytest.raises(InputError, match=r"is refused, for it holds more than tensors.*mkdir"):
        read_part(find_model_files(models), "guidance_encoder_depth")
    assert not (folder / "marker").exists()

    path.write_bytes(whole)
    state = read_state(path) | {"blocks.9.weight": torch.ones(1)}
    torch.save(state, path)
    with pytest.raises(
        InputError, match=r"guidance_encoder_depth\.pth does .*1 unexpected: blocks\.9\.weight"
    ):
        read_part(find_model_files(models), "guidance_encoder_depth")
    torch.save([1, 2], path)
    with pytest.raises(InputError, match=r"guidance_encoder_depth\.pth holds a list"):
        read_part(find_model_files(models), "guidance_encoder_depth")


def test_what_is_missing_may_be_in_another_file(models, folder):
    (folder / "motion_module-47360.pth").unlink()
    with pytest.raises(InputError, match=r"546 missing.*may be in another file: motion_module-473"):
        read_part(find_model_files(models), "denoising_unet")
    state = read_state(folder / "reference_unet.pth")
    torch.save(
        {k: t for k, t in state.items() if k != "conv_in.bias"}, folder / "reference_unet.pth"
    )
    with pytest.raises(
        InputError,
        match=r"1 missing: conv_in\.bias\).*another file: stable-diffusion-v1-5/.*3\.44 GB",
    ):
        read_part(find_model_files(models), "reference_unet")
