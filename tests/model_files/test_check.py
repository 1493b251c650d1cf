"""Files of weights looked at: what each is, whole or not, in its place or not."""

import shutil

import torch

from magicportrait_core.diffusion.checkpoints.combined import convert_models
from magicportrait_core.diffusion.checkpoints.model_files import find_model_files
from magicportrait_core.model_files.check import (
    BAD,
    UNVERIFIED,
    VERIFIED,
    check_file,
    check_files,
    entry_at,
    official_fault,
)
from magicportrait_core.model_files.listing import combined_file, glance_all
from magicportrait_core.weights.catalog import entry_of
from magicportrait_core.weights.records import Record, sha256_of, write_record
from tests.official_files import gnm_arrays, write_gnm


def record(sha256, verified):
    return Record(sha256, "0" * 40, "https://x", "MIT", "2026-01-01", verified)


def test_all_that_is_there(models, folder):
    (models / "flame").mkdir()
    write_gnm(models / "flame" / "gnm_head.npz", gnm_arrays())
    (folder / ".download").mkdir()
    (folder / ".download" / "half.pth").touch()
    checks = {check.path.name: check for check in check_files(models=models)}
    assert len(checks) == 9
    assert {check.state for check in checks.values()} == {UNVERIFIED}
    motion = checks["motion_module-47360.pth"]
    assert motion.what == "motion modules, 588 tensors"
    assert motion.sha256 == sha256_of(motion.path)
    assert "of other sizes than the paper's" in motion.notes
    assert any("not the catalogue's" in n for n in checks["gnm_head.npz"].notes)
    assert checks["gnm_head.npz"].what == entry_of("gnm_head").purpose


def test_hashes(models, folder):
    path = folder / "reference_unet.pth"
    write_record(folder, path.name, record(sha256_of(path), True))
    assert check_file(path, models).state == VERIFIED
    write_record(folder, path.name, record(sha256_of(path), False))
    found = check_file(path, models)
    assert found.state == UNVERIFIED
    assert "recorded at its download" in found.notes[0]
    write_record(folder, path.name, record("0" * 64, True))
    found = check_file(path, models)
    assert found.state == BAD
    assert "has changed since" in found.notes[0]


def test_a_wrong_file_in_a_slot(models, folder):
    shutil.copy(folder / "guidance_encoder_depth.pth", folder / "reference_unet.pth")
    found = check_file(folder / "reference_unet.pth", models)
    assert found.state == BAD
    assert found.notes[0] == "holds a guidance encoder, where a reference UNet should be"
    by_key = {one.entry.key: one for one in glance_all(models)}
    assert by_key["reference_unet"].state == "bad"
    assert by_key["reference_unet"].note == found.notes[0]
    assert by_key["guidance_depth"].state == "here"


def test_one_file_in_two_slots(models, folder):
    shutil.copy(folder / "guidance_encoder_depth.pth", folder / "guidance_encoder_render.pth")
    bad = [check for check in check_files(models=models) if check.state == BAD]
    assert [check.path.name for check in bad] == ["guidance_encoder_render.pth"]
    assert bad[0].notes[0].startswith("is the same file as guidance_encoder_depth.pth")


def test_damage(models, folder):
    path = folder / "denoising_unet.pth"
    path.write_bytes(path.read_bytes()[:-100])
    found = check_file(path, models)
    assert (found.state, found.sha256) == (BAD, None)
    assert found.notes == ("its end is missing",)
    assert {one.entry.key for one in glance_all(models) if one.state == "bad"} == {"denoising_unet"}
    path.write_text("<html>")
    assert "web page" in check_file(path, models).notes[0]
    assert check_file(folder, models).notes == ("name the files in it",)
    assert check_file(folder / "none", models).notes == ("does not exist",)


def test_files_elsewhere(tmp_path, folder, models):
    shutil.copy(folder / "motion_module-47360.pth", tmp_path / "guidance_encoder_depth.pth")
    found = check_file(tmp_path / "guidance_encoder_depth.pth", models)
    assert found.state == BAD  # told by its name what it should be
    shutil.copy(folder / "motion_module-47360.pth", tmp_path / "mine.pth")
    assert check_file(tmp_path / "mine.pth", models).state == UNVERIFIED
    torch.save({"x": torch.ones(1)}, tmp_path / "other.pth")
    assert check_file(tmp_path / "other.pth", models).state == BAD
    assert entry_at(tmp_path / "mine.pth", models) is None


def test_what_a_raw_file_holds(models):
    flame = models / "flame"
    flame.mkdir()
    write_gnm(flame / "FLAME_texture.npz", gnm_arrays())
    found = check_file(flame / "FLAME_texture.npz", models)
    assert found.state == BAD
    assert "where texture space of FLAME should be" in found.notes[0]


def test_the_list_says_raw_bad_and_served(models, folder):
    flame = models / "flame"
    flame.mkdir()
    (flame / "generic_model.pkl").write_bytes(b"\x80\x02}q")
    write_gnm(flame / "gnm_head.npz", gnm_arrays())
    by_key = {one.entry.key: one for one in glance_all(models)}
    assert by_key["flame2020"].state == "bad"
    assert by_key["flame2020"].note == "its end is missing"
    assert by_key["gnm_head"].state == "raw"
    assert by_key["sd15_unet"].state == "missing"
    assert by_key["sd15_text_encoder"].state == "served"
    assert combined_file(models) is None
    convert_models(find_model_files(models), folder / "magicportrait_fp16.safetensors")
    for path in folder.glob("*.pth"):
        path.unlink()
    by_key = {one.entry.key: one for one in glance_all(models)}
    assert by_key["denoising_unet"].state == "served"
    assert "magicportrait_fp16.safetensors serves" in by_key["denoising_unet"].note
    assert combined_file(models).name == "magicportrait_fp16.safetensors"
    found = check_file(combined_file(models), models)
    assert found.what.startswith("all parts in one, ")
    assert found.what.endswith("fp16")


def test_what_a_download_must_be(folder):
    entry = entry_of("guidance_depth")
    path = folder / "guidance_encoder_depth.pth"
    assert official_fault(entry, path) == "has other sizes than the paper's network"
    assert "holds motion modules" in official_fault(entry, folder / "motion_module-47360.pth")
    assert official_fault(entry_of("sd15_vocab"), path) is None
