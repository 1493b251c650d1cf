"""Where a crop goes back to: its picture at any size, or another clip's face."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from magicportrait_core.errors import InputError
from magicportrait_core.motion.pipeline import HeadFiles
from magicportrait_core.pasting.back import Frames, paste_back
from magicportrait_core.pasting.places import (
    face_patches,
    portrait_patch,
    similarities,
    with_masks,
)
from magicportrait_core.topology import canonical_face
from magicportrait_core.types import FaceTrack, LandmarkMotion, MotionTrack
from tests.small_head import small_head, small_track

SOURCE = torch.tensor([[0.5, 0, -20.25], [0, 0.5, -10.25], [0, 0, 1]])  #: half size, moved


def head_motion():
    portrait = small_track(1, seed=1, size=(160, 160))
    return MotionTrack(portrait, small_track(5, seed=2), portrait_from_source=SOURCE)


@pytest.fixture
def files(tmp_path):
    return HeadFiles(small_head(), tmp_path)


def faces(frames=3, size=(200, 240), scale=60.0, middle=(120.0, 90.0), turn=0.0):
    """The mean face, upright, moved by 5 px a frame; turn in radians."""
    face = canonical_face() * scale
    c, s = torch.tensor(turn).cos(), torch.tensor(turn).sin()
    flat = face[:, :2] @ torch.tensor([[c, s], [-s, c]]) + torch.tensor(middle)
    steps = torch.arange(frames)[:, None, None] * 5.0
    landmarks = torch.cat([flat[None] + steps, face[None, :, 2:].expand(frames, -1, -1)], -1)
    boxes = torch.cat([landmarks[..., :2].amin(1), landmarks[..., :2].amax(1)], 1)
    seen = torch.ones(frames, dtype=torch.bool)
    return FaceTrack(boxes, landmarks, torch.ones(frames), seen, size, Fraction(25))


def test_the_transform_is_inverted(files):
    patch = portrait_patch(head_motion(), files, (400, 500), (400, 500))
    assert torch.allclose(patch.target_from_frame.float() @ SOURCE, torch.eye(3), atol=1e-4)
    assert patch.size == (160, 160)


def test_a_larger_target_scales_it(files):
    once = portrait_patch(head_motion(), files, (400, 500), (400, 500)).target_from_frame
    twice = portrait_patch(head_motion(), files, (400, 500), (800, 1000)).target_from_frame
    at = torch.tensor([30.0, 40.0, 1.0], dtype=torch.float64)
    assert torch.allclose((twice @ at)[:2] + 0.5, 2 * ((once @ at)[:2] + 0.5))
    with pytest.raises(InputError, match="the target is 640x480 px"):
        portrait_patch(head_motion(), files, (400, 500), (480, 640))


def test_the_mask_holds_the_head_in_every_frame(files):
    motion = head_motion()
    tight = portrait_patch(motion, files, (400, 500), (400, 500), feather=0.01).mask
    soft = portrait_patch(motion, files, (400, 500), (400, 500), feather=0.2).mask
    assert float(tight.max()) == 1
    assert 0.05 < float(tight.mean()) < 0.95
    assert ((soft > 0) & (soft < 1)).sum() > ((tight > 0) & (tight < 1)).sum()
    assert float(tight[:, 0].max()) == 0


def test_a_face_mesh_gives_a_mask_too():
    portrait = faces(1, size=(200, 240))
    motion = LandmarkMotion(portrait, faces(4), portrait_from_source=torch.eye(3))
    mask = portrait_patch(motion, None, (200, 240), (200, 240)).mask
    assert float(mask[round(90 / 200 * len(mask)), mask.shape[1] // 2]) == 1
    assert float(mask[-1, 0]) == 0


def test_ones_own_mask(files):
    own = torch.zeros(50, 50)
    own[10:30, 10:30] = 1
    patch = portrait_patch(head_motion(), files, (400, 500), (400, 500), feather=0, mask=own)
    assert torch.equal(patch.mask, own)
    masks = torch.stack([own, 1 - own])
    moving = with_masks(patch, masks, 0.0)
    assert torch.equal(moving(0).mask, own)
    assert torch.equal(moving(1).mask, 1 - own)


def test_a_track_without_a_crop(files):
    with pytest.raises(InputError, match="where its portrait was cut from"):
        portrait_patch(
            replace(head_motion(), portrait_from_source=None), files, (400, 500), (400, 500)
        )


def test_similarities_are_found():
    generator = torch.Generator().manual_seed(0)
    source = torch.randn(4, 30, 2, generator=generator) * 50
    turn = torch.tensor([[1.2, -0.5], [0.5, 1.2]])
    to = source @ turn.T + torch.tensor([7.0, -3.0])
    matrix = similarities(source, to, torch.rand(30, generator=generator)).float()
    assert torch.allclose(matrix[:, :2, :2], turn.expand(4, 2, 2), atol=1e-4)
    assert torch.allclose(matrix[:, :2, 2], torch.tensor([7.0, -3.0]).expand(4, 2), atol=1e-3)


def test_a_face_goes_over_a_face():
    result = faces(3, size=(100, 100), scale=25.0, middle=(50.0, 45.0))
    target = faces(3, turn=0.3)
    place = face_patches(result, target)
    made = torch.cat(
        list(
            paste_back(
                Frames.of_tensor(torch.ones(3, 3, 100, 100), "f"),
                Frames.of_tensor(torch.zeros(3, 3, 200, 240), "t"),
                place,
            )
        )
    )
    for i in range(3):
        rows, columns = (made[i, 0] > 0.5).nonzero().unbind(1)
        box = target.boxes[i]
        assert float(columns.min()) > float(box[0]) - 3
        assert float(columns.max()) < float(box[2]) + 3
        assert float(rows.max()) < float(box[3]) + 3
        middle = (rows.float().mean(), columns.float().mean())
        assert float(middle[1]) == pytest.approx(float(box[[0, 2]].mean()), abs=8)
        assert len(rows) > 0.3 * float((box[2] - box[0]) * (box[3] - box[1]))


def test_tracks_of_other_lengths():
    with pytest.raises(InputError, match="has 4 frames, the frames to paste are 3"):
        face_patches(faces(3), faces(4))
