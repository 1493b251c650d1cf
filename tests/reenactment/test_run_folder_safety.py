"""A run writes into folders and over outputs: what is the user's own stays."""

import pytest

from magicportrait_core.diffusion.sampler import SampleSettings
from magicportrait_core.errors import InputError
from magicportrait_core.files import keep_outside
from magicportrait_core.reenactment import DiffusionSettings, LoraChoice, reenact_diffusion
from magicportrait_core.reenactment.runs import FILES, PREVIEWS, STATE, WINDOWS, RunFolder


@pytest.mark.parametrize("name", ["portrait.png", "motion.safetensors", PREVIEWS, WINDOWS])
def test_a_users_file_named_as_a_runs_is_not_a_runs(tmp_path, name):
    folder = tmp_path / "mine"
    own = folder / name / "a.jpg" if name in (PREVIEWS, WINDOWS) else folder / name
    own.parent.mkdir(parents=True)
    own.write_bytes(b"mine")
    for resume in (False, True):
        with pytest.raises(InputError, match="holds no run"):
            RunFolder.begin(folder, {}, resume)
    assert own.read_bytes() == b"mine"


def test_a_run_that_was_stopped_is_kept(tmp_path):
    folder = RunFolder.begin(tmp_path / "run", {}, resume=False)
    folder.file(STATE).touch()
    for setup in ({}, {"other": 1}):
        with pytest.raises(InputError, match="go on with it by --resume"):
            RunFolder.begin(tmp_path / "run", setup, resume=False)
    assert folder.file(STATE).exists()


def test_a_finished_run_is_emptied(tmp_path):
    folder = RunFolder.begin(tmp_path / "run", {}, resume=False)
    for name in FILES[1:]:
        folder.file(name).touch()
    folder.finish(tmp_path / "out.mp4", {})
    RunFolder.begin(tmp_path / "run", {"other": 1}, resume=False)
    assert [path.name for path in folder.path.iterdir()] == [FILES[0]]


def test_inputs_lie_outside_the_run_folder(tmp_path):
    keep_outside(tmp_path / "run", tmp_path / "portrait.png", tmp_path / "run.png")
    for path in (tmp_path / "run", tmp_path / "run" / "previews" / "step_01.jpg"):
        with pytest.raises(InputError, match=r"is an input of this run and lies in its folder"):
            keep_outside(tmp_path / "run", path)


@pytest.mark.parametrize("read", ["portrait", "driving", "init", "lora"])
def test_nothing_that_is_read_is_written_over(tmp_path, read):
    run = tmp_path / "out.mp4.run"
    run.mkdir()
    place = {"portrait": "p.png", "driving": "d.mp4", "init": "i.mp4", "lora": "l.safetensors"}
    paths = {name: (run if name == read else tmp_path) / file for name, file in place.items()}
    for path in paths.values():
        path.write_bytes(b"mine")
    settings = DiffusionSettings(
        sampling=SampleSettings(denoise=0.5),
        init=paths["init"],
        loras=(LoraChoice(paths["lora"]),),
    )
    with pytest.raises(InputError, match=rf"{paths[read].name} is an input .* lies in its folder"):
        reenact_diffusion(paths["portrait"], paths["driving"], tmp_path / "out.mp4", settings)
    assert paths[read].read_bytes() == b"mine"


def test_the_clip_to_start_from_is_not_the_output(tmp_path):
    sampling = SampleSettings(denoise=0.5)
    settings = DiffusionSettings(sampling=sampling, init=tmp_path / "i.mp4")
    (tmp_path / "i.mp4").write_bytes(b"mine")
    with pytest.raises(InputError, match=r"i\.mp4 is an input of this run"):
        reenact_diffusion("p.png", "d.mp4", tmp_path / "i.mp4", settings)
    assert (tmp_path / "i.mp4").read_bytes() == b"mine"


@pytest.mark.parametrize("strength", [101, float("nan")])
def test_a_strength_is_checked_where_it_enters(strength, tmp_path):
    with pytest.raises(InputError, match=r"strength of l\.safetensors must be between"):
        LoraChoice(tmp_path / "l.safetensors", strength)
