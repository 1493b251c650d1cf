"""The frame taken for rest, in clips where one frame clearly is it."""

from dataclasses import replace

import pytest
import torch

from magicportrait_core.errors import InputError, NoFaceError
from magicportrait_core.flame.motion.neutral import find_neutral, neutral_frame
from magicportrait_core.flame.rotations import from_euler
from tests.small_head import small_track

REST = 12  #: in the middle of three calm frames


@pytest.fixture
def clip():
    """30 busy frames, at rest in 11..13."""
    t = 30
    track = small_track(t, seed=4)
    wave = torch.arange(t).float()
    angles = torch.stack([20 * (wave * 0.9).cos(), 12 * (wave * 1.3).sin(), 9 * (wave * 0.7).cos()])
    jaw = torch.zeros(t, 3)
    jaw[:, 0] = 0.15 + 0.1 * (wave * 2).sin()
    lids = (0.4 + 0.4 * (wave * 1.7).cos())[:, None].repeat(1, 2)
    expression = torch.randn(t, 5, generator=torch.Generator().manual_seed(3))
    calm = slice(REST - 1, REST + 2)
    angles[:, calm] = 1.0
    angles[:, REST] = 0.0
    jaw[calm], lids[calm], expression[calm] = 0, 0, 0
    params = replace(
        track.params,
        global_pose=from_euler(*angles),
        jaw_pose=jaw,
        eyelids=lids,
        expression=expression,
    )
    return replace(track, params=params)


@pytest.mark.parametrize("landmarks", [True, False])
@pytest.mark.parametrize("lids", [True, False])
def test_rest_is_found(clip, small_head, landmarks, lids):
    head = small_head if landmarks else replace(small_head, landmarks=None)
    clip = clip if lids else replace(clip, params=replace(clip.params, eyelids=None))
    assert find_neutral(clip, head) == REST


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("jaw_pose", torch.tensor([0.4, 0.0, 0.0])),
        ("eyelids", torch.tensor([1.0, 1.0])),
        ("global_pose", torch.tensor([0.0, 0.7, 0.0])),
        ("expression", torch.tensor([3.0, -3.0, 2.0, 2.0, -2.0])),
    ],
)
def test_what_is_not_at_rest_is_passed_over(clip, small_head, field, change):
    """Two equally calm stretches; in one of them something is off."""
    values = {n: getattr(clip.params, n).clone() for n in _FIELDS}
    for name in _FIELDS:
        values[name][20:23] = values[name][11:14]
    values[field][11:14] += change
    clip = replace(clip, params=replace(clip.params, **values))
    assert find_neutral(clip, small_head) == 21


_FIELDS = ("jaw_pose", "eyelids", "global_pose", "expression")


def test_interpolated_frames_are_never_rest(clip, small_head):
    valid = torch.ones(30, dtype=torch.bool)
    valid[REST] = False
    assert find_neutral(replace(clip, valid=valid), small_head) in (REST - 1, REST + 1)
    valid[11:14] = False
    assert find_neutral(replace(clip, valid=valid), small_head) not in (11, 12, 13)


def test_one_lucky_frame_is_not_rest(clip, small_head):
    """A glitch that looks calmer than rest, amid wild frames, is passed over."""
    values = {n: getattr(clip.params, n).clone() for n in _FIELDS}
    values["global_pose"][25] = 0
    values["jaw_pose"][25], values["eyelids"][25], values["expression"][25] = 0, 0, 0
    for side in (24, 26):
        values["global_pose"][side] = torch.tensor([0.0, 0.8, 0.0])
        values["jaw_pose"][side] = torch.tensor([0.4, 0.0, 0.0])
    values["global_pose"][11:14] += 0.02
    clip = replace(clip, params=replace(clip.params, **values))
    assert find_neutral(clip, small_head) == REST


def test_a_camera_above_is_no_nod(clip, small_head):
    yaw = torch.zeros(30)
    tilted = torch.full((30,), 25.0)
    tilted[20] = 0.0  # the one frame level with the camera is a nod
    pose = from_euler(yaw, tilted, yaw)
    values = {n: torch.zeros_like(getattr(clip.params, n)) for n in _FIELDS}
    values["global_pose"] = pose
    clip = replace(clip, params=replace(clip.params, **values))
    assert find_neutral(clip, small_head) != 20


def test_short_clips(small_head):
    assert find_neutral(small_track(1), small_head) == 0
    assert find_neutral(small_track(2), small_head) in (0, 1)


def test_a_given_frame_is_checked(clip, small_head):
    assert neutral_frame(clip, small_head, 7) == 7
    assert neutral_frame(clip, small_head) == REST
    for given in (-1, 30):
        with pytest.raises(InputError, match=f"0 to 29, got {given}"):
            neutral_frame(clip, small_head, given)


def test_no_face_at_all(clip, small_head):
    with pytest.raises(NoFaceError, match="no frame"):
        find_neutral(replace(clip, valid=torch.zeros(30, dtype=torch.bool)), small_head)
