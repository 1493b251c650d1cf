"""Head tracks: what they refuse, and that parts of them are tracks."""

from dataclasses import replace

import pytest
import torch

from magicportrait_core.errors import InputError
from magicportrait_core.types import MotionTrack
from tests.small_head import small_track


def test_frames_of_a_track_are_a_track():
    track = small_track(5)
    some = track[[3, 1]]
    assert len(some) == 2
    assert torch.equal(some.params.eyelids, track.params.eyelids[[3, 1]])
    assert torch.equal(some.camera.scale, track.camera.scale[[3, 1]])
    assert torch.equal(some.params.shape, track.params.shape)


def test_a_track_moves_to_a_device_whole():
    moved = small_track(2).to("meta")
    tensors = [*vars(moved).values(), *vars(moved.params).values(), *vars(moved.camera).values()]
    tensors = [value for value in tensors if isinstance(value, torch.Tensor)]
    assert len(tensors) == 4 + 7 + 2
    assert all(tensor.is_meta for tensor in tensors)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"valid": torch.ones(3)}, "valid must be bool"),
        ({"valid": torch.ones(2, dtype=torch.bool)}, "valid must be"),
        ({"fps": 0}, "frame rate and a frame size"),
        ({"frame_size": (0, 5)}, "frame rate and a frame size"),
        ({"camera": small_track(2).camera}, "camera must have 3 frames"),
        ({"lighting": torch.zeros(3, 9)}, "lighting must be"),
    ],
)
def test_what_does_not_fit_is_refused(change, says):
    with pytest.raises(InputError, match=says):
        replace(small_track(3), **change)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: MotionTrack(small_track(2), small_track(3)), "1 frame, got 2"),
        (
            lambda: MotionTrack(small_track(1), small_track(3), portrait_from_source=torch.eye(2)),
            "portrait_from_source must be",
        ),
    ],
)
def test_motions_that_do_not_fit(make, says):
    with pytest.raises(InputError, match=says):
        make()
