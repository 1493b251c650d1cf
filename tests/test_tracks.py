from fractions import Fraction

import pytest
import torch
from safetensors.torch import save_file

from magicportrait_core.errors import InputError
from magicportrait_core.tracks import load_track, save_track
from magicportrait_core.types import FaceTrack

COMMAND = "magicportrait track VIDEO -o track.safetensors"


def make_track(t=3):
    generator = torch.Generator().manual_seed(0)
    return FaceTrack(
        boxes=torch.rand(t, 4, generator=generator),
        landmarks=torch.rand(t, 478, 3, generator=generator),
        scores=torch.rand(t, generator=generator),
        valid=torch.tensor([True, False, True][:t]),
        frame_size=(480, 640),
        fps=Fraction(24000, 1001),
    )


def test_track_comes_back_whole(tmp_path):
    track = make_track()
    save_track(tmp_path / "track.safetensors", track)
    loaded = load_track(tmp_path / "track.safetensors")
    for name in ("boxes", "landmarks", "scores", "valid"):
        assert torch.equal(getattr(loaded, name), getattr(track, name))
        assert getattr(loaded, name).dtype == getattr(track, name).dtype
    assert loaded.frame_size == (480, 640)
    assert loaded.fps == Fraction(24000, 1001)
    assert [p.name for p in tmp_path.iterdir()] == ["track.safetensors"]


def test_views_are_saved_as_what_they_show(tmp_path):
    track = make_track()
    shared = torch.cat([track.landmarks, track.landmarks])[::2]
    view = FaceTrack(track.boxes, shared, track.scores, track.valid, (480, 640))
    save_track(tmp_path / "a.safetensors", view)
    assert torch.equal(load_track(tmp_path / "a.safetensors").landmarks, shared)


def edit(path, drop=(), **metadata):
    track = make_track()
    tensors = {n: getattr(track, n) for n in ("boxes", "landmarks", "scores", "valid")}
    given = {"kind": "landmarks", "format_version": "1", "fps": "24/1", "height": "9", "width": "9"}
    given = {k: v for k, v in (given | metadata).items() if v is not None}
    save_file({k: v for k, v in tensors.items() if k not in drop}, path, given)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.write_text("no track"), "not a track file"),
        (lambda path: path.mkdir(), "does not exist"),
        (lambda path: edit(path, kind="flame"), "kind flame"),
        (lambda path: edit(path, kind=None), "kind none"),
        (lambda path: edit(path, format_version="2"), "format 2"),
        (lambda path: edit(path, drop=["scores"]), "lacks scores"),
        (lambda path: edit(path, fps="24/0"), "damaged"),
        (lambda path: edit(path, height=None), "damaged"),
    ],
)
def test_wrong_files_name_the_command(tmp_path, make, says):
    path = tmp_path / "x.safetensors"
    make(path)
    with pytest.raises(InputError, match=says) as caught:
        load_track(path)
    assert COMMAND in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_folder(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        save_track(tmp_path / "no" / "track.safetensors", make_track())
