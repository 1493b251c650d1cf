import json
from dataclasses import fields, replace
from fractions import Fraction

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from magicportrait_core.errors import InputError
from magicportrait_core.tracks import (
    kind_of,
    load_head_track,
    load_motion,
    load_track,
    save_head_track,
    save_motion,
    save_track,
)
from magicportrait_core.types import FaceTrack, MotionTrack, TransferSettings
from tests.small_head import small_head, small_track

COMMAND = "magicportrait track VIDEO -o track.safetensors"


COMMANDS = {
    "landmarks": COMMAND,
    "flame": "magicportrait track VIDEO --tracker landmark_fit -o track.safetensors",
    "motion": "magicportrait maps TRACK PORTRAIT -o maps.mp4",
}
LOADERS = {"landmarks": load_track, "flame": load_head_track, "motion": load_motion}


def make_motion():
    settings = TransferSettings(mode="relative", jaw=0.5, neutral_frame=2, pivot="head")
    portrait = small_track(1, seed=1, size=(512, 384))
    driver = replace(small_track(4, seed=2), fps=Fraction(30000, 1001))
    return MotionTrack(portrait, driver, settings, torch.eye(3) * 2)


def make_file(kind, path):
    makers = {
        "landmarks": lambda: save_track(path, make_track()),
        "flame": lambda: save_head_track(path, small_track(4)),
        "motion": lambda: save_motion(path, make_motion()),
    }
    makers[kind]()
    return path


def changed(path, drop=(), tensors=None, metadata=None):
    """The file with some of its tensors and metadata replaced or left out."""
    with safe_open(path, "pt") as file:
        about = file.metadata()
    held = load_file(path) | (tensors or {})
    about |= metadata or {}
    save_file(
        {k: v for k, v in held.items() if k not in drop},
        path,
        {k: v for k, v in about.items() if k not in drop},
    )
    return path


def assert_same(found, expected):
    """Every field, tensors bit for bit."""
    for field in fields(expected):
        mine, theirs = getattr(found, field.name), getattr(expected, field.name)
        if isinstance(theirs, torch.Tensor):
            assert torch.equal(mine, theirs), field.name
            assert mine.dtype == theirs.dtype
        elif hasattr(theirs, "__dataclass_fields__"):
            assert_same(mine, theirs)
        else:
            assert mine == theirs, field.name


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
        (lambda path: edit(path, height=None), "lacks height"),
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


def test_head_tracks_come_back_whole(tmp_path):
    track = replace(small_track(5), valid=torch.tensor([1, 0, 1, 1, 0]).bool())
    path = tmp_path / "head.safetensors"
    save_head_track(path, track)
    assert_same(load_head_track(path), track)
    assert load_head_track(path).params.basis == small_head().basis


def test_eyelids_that_were_not_tracked_stay_so(tmp_path):
    track = small_track(3)
    track = replace(track, params=replace(track.params, eyelids=None))
    save_head_track(tmp_path / "head.safetensors", track)
    assert load_head_track(tmp_path / "head.safetensors").params.eyelids is None
    motion = MotionTrack(track[[0]], small_track(3))
    save_motion(tmp_path / "motion.safetensors", motion)
    assert_same(load_motion(tmp_path / "motion.safetensors"), motion)


def test_motions_come_back_whole(tmp_path):
    motion = make_motion()
    save_motion(tmp_path / "motion.safetensors", motion)
    assert_same(load_motion(tmp_path / "motion.safetensors"), motion)
    plain = MotionTrack(motion.portrait, motion.driver)
    save_motion(tmp_path / "motion.safetensors", plain)
    assert_same(load_motion(tmp_path / "motion.safetensors"), plain)


def test_metadata_can_be_read_by_others(tmp_path):
    with safe_open(make_file("motion", tmp_path / "m.safetensors"), "pt") as file:
        about = file.metadata()
    assert about["kind"] == "motion"
    assert about["format_version"] == "1"
    assert (about["fps"], about["height"], about["width"]) == ("30000/1001", "512", "384")
    assert json.loads(about["settings"])["jaw"] == 0.5


def test_views_of_one_clip_can_be_portrait_and_driver(tmp_path):
    clip = small_track(4)
    motion = MotionTrack(clip[0:1], clip)
    save_motion(tmp_path / "motion.safetensors", motion)
    assert_same(load_motion(tmp_path / "motion.safetensors"), motion)


def test_doubles_become_floats(tmp_path):
    track = small_track(2)
    wide = replace(track, texture=track.texture.double())
    save_head_track(tmp_path / "a.safetensors", wide)
    assert_same(load_head_track(tmp_path / "a.safetensors"), track)


@pytest.mark.parametrize("kind", COMMANDS)
def test_kinds_are_told_apart(tmp_path, kind):
    path = make_file(kind, tmp_path / "x.safetensors")
    assert kind_of(path) == kind
    for wanted, load in LOADERS.items():
        if wanted == kind:
            load(path)
            continue
        with pytest.raises(InputError, match=f"of kind {kind}") as caught:
            load(path)
        assert COMMANDS[wanted] in str(caught.value)
        assert "\n" not in str(caught.value)


def test_kind_of_what_is_no_track(tmp_path):
    path = tmp_path / "x.safetensors"
    save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(InputError, match=r"of kind none, no track: make one with"):
        kind_of(path)
    path.write_text("no")
    with pytest.raises(InputError, match="not a track file"):
        kind_of(path)
    with pytest.raises(InputError, match="does not exist"):
        kind_of(tmp_path / "none.safetensors")


def truncated(path):
    path.write_bytes(path.read_bytes()[:-7])
    return path


NAN = torch.full((4,), float("nan"))


@pytest.mark.parametrize("kind", ["flame", "motion"])
@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda path, p: path.unlink(), "does not exist"),
        (lambda path, p: path.write_bytes(b""), "not a track file"),
        (lambda path, p: truncated(path), "x.safetensors is damaged, or its end is missing: make"),
        (lambda path, p: changed(path, metadata={"kind": "head_model"}), "of kind head_model"),
        (lambda path, p: changed(path, metadata={"format_version": "2"}), "format 2.*update"),
        (lambda path, p: changed(path, drop=[f"{p}jaw_pose"]), "lacks {p}jaw_pose"),
        (lambda path, p: changed(path, drop=[f"{p}basis"]), "lacks {p}basis"),
        (lambda path, p: changed(path, tensors={f"{p}scale": NAN}), "finite numbers"),
        (lambda path, p: changed(path, tensors={f"{p}scale": torch.zeros(4)}), "scale must be"),
        (lambda path, p: changed(path, tensors={f"{p}scale": torch.ones(3)}), "damaged"),
        (lambda path, p: changed(path, tensors={f"{p}scale": torch.ones(4).int()}), "float32"),
        (lambda path, p: changed(path, tensors={f"{p}valid": torch.ones(4)}), "must be bool"),
        (
            lambda path, p: changed(path, tensors={f"{p}crop_from_frame": torch.zeros(4, 3, 3)}),
            "cannot be undone",
        ),
        (lambda path, p: changed(path, metadata={f"{p}fps": "0"}), "damaged"),
        (lambda path, p: changed(path, metadata={f"{p}width": "-5"}), "damaged"),
        (lambda path, p: changed(path, metadata={f"{p}height": "tall"}), "damaged"),
    ],
)
def test_spoilt_files_are_answered_in_one_sentence(tmp_path, kind, spoil, says):
    path = make_file(kind, tmp_path / "x.safetensors")
    prefix = "driver." if kind == "motion" else ""
    spoil(path, prefix)
    with pytest.raises(InputError, match=says.replace("{p}", prefix)) as caught:
        LOADERS[kind](path)
    assert COMMANDS[kind] in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ("{", "damaged"),
        ("[" * 100_000, "damaged"),
        ("[1]", "no JSON object"),
        ('{"speed": 2}', "damaged.*speed"),
        ('{"jaw": "wide"}', "damaged"),
        ('{"jaw": 99}', "gain jaw"),
        ('{"mode": "half"}', "mode must be"),
        ('{"neutral_frame": 1.5}', "whole number"),
    ],
)
def test_spoilt_settings(tmp_path, settings, says):
    path = changed(make_file("motion", tmp_path / "x.safetensors"), metadata={"settings": settings})
    with pytest.raises(InputError, match=says) as caught:
        load_motion(path)
    assert COMMANDS["motion"] in str(caught.value)


def test_two_bases_in_one_file(tmp_path):
    path = make_file("motion", tmp_path / "x.safetensors")
    changed(path, metadata={"driver.basis": "flame-other"})
    with pytest.raises(InputError, match="track both with the same head model"):
        load_motion(path)
