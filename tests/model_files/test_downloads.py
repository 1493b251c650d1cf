"""All that the diffusion models need, downloaded from a stand-in of the hub."""

import hashlib
import shutil

import pytest
import torch

from magicportrait_core.diffusion.checkpoints.model_files import find_model_files, read_part
from magicportrait_core.diffusion.checkpoints.official_shapes import base_shapes
from magicportrait_core.diffusion.checkpoints.tiny_models import UNET
from magicportrait_core.errors import InputError
from magicportrait_core.model_files import check as model_check
from magicportrait_core.model_files import downloads as model_downloads
from magicportrait_core.model_files.downloads import download_entry, download_missing, missing_keys
from magicportrait_core.weights import catalog, download
from magicportrait_core.weights.download import Fetched
from magicportrait_core.weights.records import read_records
from magicportrait_core.weights.state_files import read_state


@pytest.fixture(scope="module")
def made(made):
    """The networks' own folder."""
    return made / "magicportrait"


@pytest.fixture
def hub(made, tmp_path, monkeypatch):
    """Serves the tiny files under the paper's names; their sizes pass for the paper's."""
    files = tmp_path / "hub"
    shutil.copytree(made, files)
    base = {k: torch.zeros(s, dtype=torch.float16) for k, s in base_shapes(UNET).items()}
    asked = []

    def fetch(remote, revision, work, progress):
        asked.append(remote.path)
        source = files / remote.path
        if "vae" in remote.repo:
            source = files / "sd-vae-ft-mse" / remote.path
        path = work / source.name
        if remote.path.startswith("unet/"):
            from safetensors.torch import save_file

            save_file(base, path)
        elif remote.path.startswith("text_encoder/"):
            shutil.copy(files / "prompt.safetensors", path)
        else:
            shutil.copy(source, path)
        published = hashlib.sha256(path.read_bytes()).hexdigest()
        return Fetched(path, "0" * 40, None if "guidance" in path.name else published)

    monkeypatch.setattr(download, "fetch", fetch)
    monkeypatch.setattr(
        model_downloads, "official_fault", lambda entry, path: faults.get(entry.key)
    )
    faults = {}
    unpinned = tuple(catalog.Entry(**{**vars(entry), "sha256": None}) for entry in catalog.CATALOG)
    monkeypatch.setattr(catalog, "CATALOG", unpinned)
    return type("Hub", (), {"files": files, "asked": asked, "faults": faults})


def test_the_whole_set_and_what_is_here_is_left(hub, tmp_path, made):
    models = tmp_path / "models"
    (models / "magicportrait").mkdir(parents=True)
    shutil.copy(made / "reference_unet.pth", models / "magicportrait")
    made_now = list(download_missing(models))
    assert len(made_now) == 7
    assert "reference_unet.pth" not in hub.asked
    assert "unet/diffusion_pytorch_model.safetensors" not in hub.asked
    told = {one.entry.key: one.told for one in made_now}
    assert told["vae"].startswith("verified")
    assert told["guidance_depth"].startswith("unverified: nobody has published its sha256")
    assert missing_keys(models) == ()
    assert list(download_missing(models)) == []
    files = find_model_files(models)
    assert sum(read_part(files, "denoising_unet")[1].values()) == 1272
    assert not read_records(models / "magicportrait")["guidance_encoder_depth.pth"].verified


def test_the_base_comes_where_the_papers_files_need_it(hub, tmp_path):
    state = read_state(hub.files / "denoising_unet.pth")
    kept = {key: tensor.clone() for key, tensor in state.items() if "resnets" not in key}
    torch.save(kept, hub.files / "denoising_unet.pth")
    made_now = [one.entry.key for one in download_missing(tmp_path / "models")]
    assert set(made_now[-2:]) == {"motion_module", "sd15_unet"}
    files = find_model_files(tmp_path / "models")
    counts = read_part(files, "denoising_unet")[1]
    assert counts["unet/diffusion_pytorch_model.safetensors"] == 684 - len(kept)


def test_what_the_manifest_refuses_is_not_kept(hub, tmp_path):
    hub.faults["reference_unet"] = "holds a guidance encoder"
    with pytest.raises(InputError, match=r"reference_unet\.pth as it came from .* guidance enc"):
        list(download_missing(tmp_path / "models"))
    folder = tmp_path / "models" / "magicportrait"
    assert not (folder / "reference_unet.pth").exists()
    assert (folder / "guidance_encoder_depth.pth").exists()
    hub.faults.clear()
    assert [one.entry.key for one in download_missing(tmp_path / "models")] == [
        "reference_unet",
        "denoising_unet",
        "motion_module",
    ]


def test_a_motion_file_that_is_not_needed_is_not_brought(hub, tmp_path):
    state = read_state(hub.files / "denoising_unet.pth")
    state = state | read_state(hub.files / "motion_module-47360.pth")
    whole = {key: tensor.clone() for key, tensor in state.items()}
    torch.save(whole, hub.files / "denoising_unet.pth")
    assert "motion_module" not in [one.entry.key for one in download_missing(tmp_path / "models")]
    assert missing_keys(tmp_path / "models") == ()


def test_sizes_of_other_networks_are_refused(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(model_downloads, "official_fault", model_check.official_fault)
    with pytest.raises(InputError, match="has other sizes than the paper's network"):
        download_entry("guidance_depth", tmp_path / "models")
