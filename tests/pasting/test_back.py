"""Frames back into their target: outside bit for bit, inside as they were, and without a seam."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
import torch
import torch.nn.functional as F

from magicportrait_core.errors import InputError
from magicportrait_core.pasting.back import Frames, Patch, paste, paste_back, window_of
from magicportrait_core.types import VideoClip

LEFT, TOP, SIDE, SIZE = 37, 21, 90, 64  #: the square that was cut out, and what it became


def scene(height=160, width=200, seed=0):
    """(3, h, w) a smooth picture: crops can be sampled to and fro with little loss."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, height // 20, width // 20, generator=generator)
    return F.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)[0]


def cut(picture, size=SIZE):
    part = picture[None, :, TOP : TOP + SIDE, LEFT : LEFT + SIDE]
    return F.interpolate(part, (size, size), mode="bicubic", antialias=True).clamp(0, 1)


def patch(mask=None, size=SIZE, scale=1.0):
    """The place of the square, in the picture enlarged ``scale`` times."""
    step = SIDE / size * scale
    matrix = torch.tensor(
        [
            [step, 0, (LEFT + 0.5 * SIDE / size) * scale - 0.5],
            [0, step, (TOP + 0.5 * SIDE / size) * scale - 0.5],
            [0, 0, 1],
        ]
    )
    return Patch(matrix, (size, size), ring() if mask is None else mask)


def ring(side=64, edge=8):
    """1 in the middle, 0 at the border, smooth between."""
    away = torch.minimum(torch.arange(side), torch.arange(side).flip(0)) / edge
    line = away.clamp(0, 1)
    line = line * line * (3 - 2 * line)
    return torch.minimum(line[:, None], line[None]).float()


@pytest.mark.parametrize("enlarged", [1, 2, 4])
@pytest.mark.parametrize("scale", [1.0, 2.0, 1.5, 0.5])
def test_what_was_cut_out_goes_back(enlarged, scale):
    """At the target's own resolution, whatever the frame's: error small, outside bit for bit."""
    picture = scene()
    size = [round(side * scale) for side in picture.shape[1:]]
    target = F.interpolate(picture[None], size, mode="bicubic", antialias=scale < 1).clamp(0, 1)
    frame = cut(picture, SIZE * enlarged)
    made = paste(frame, target, patch(scale=scale))
    rows, columns = window_of(patch(scale=scale), *size)
    outside = torch.ones(size, dtype=torch.bool)
    outside[rows, columns] = False
    assert torch.equal(made[0, :, outside], target[0, :, outside])
    assert float((made - target).abs().mean()) < 0.002
    assert float((made - target).abs().max()) < 0.04


def test_only_the_mask_changes_the_target():
    target = scene()[None]
    mask = torch.zeros(64, 64)
    mask[20:40, 20:40] = 1
    made = paste(torch.zeros(1, 3, SIZE, SIZE), target, patch(mask))
    changed = (made != target).any(1)[0]
    rows, columns = changed.nonzero().unbind(1)
    step = SIDE / 64
    assert int(columns.min()) >= LEFT + 19 * step - 1
    assert int(columns.max()) <= LEFT + 41 * step + 1
    assert int(rows.min()) >= TOP + 19 * step - 1
    middle = made[0, :, TOP + 45, LEFT + 45]
    assert torch.equal(middle, torch.zeros(3))


def test_there_is_no_seam():
    """A brighter frame: across the soft edge the steps stay small, and there is none at its rim."""
    target = torch.full((1, 3, 160, 200), 0.4)
    made = paste(torch.full((1, 3, SIZE, SIZE), 0.6), target, patch())
    steps = made.diff(dim=-1).abs()
    assert float(steps.max()) < 0.03
    assert float(made.max()) == pytest.approx(0.6, abs=1e-5)
    row = made[0, 0, TOP + SIDE // 2]
    assert float((row[LEFT - 1] - row[LEFT]).abs()) < 1e-3


def test_a_finer_frame_is_averaged():
    """A fine checkerboard comes out grey, not as moire."""
    fine = (torch.arange(512)[:, None] + torch.arange(512)[None]) % 2
    frame = fine.float().expand(1, 3, -1, -1)
    made = paste(frame, torch.full((1, 3, 160, 200), 0.5), patch(torch.ones(8, 8)))
    assert float((made - 0.5).abs().max()) < 0.05


def test_a_crop_beyond_the_picture():
    matrix = torch.tensor([[1.0, 0, -30], [0, 1, -20], [0, 0, 1]])
    place = Patch(matrix, (SIZE, SIZE), torch.ones(64, 64))
    made = paste(torch.ones(1, 3, SIZE, SIZE), torch.zeros(1, 3, 40, 50), place)
    assert torch.equal(made[0, :, :40, :34], torch.ones(3, 40, 34))
    assert torch.equal(made[0, :, :, 34:], torch.zeros(3, 40, 16))
    away = replace(
        place, target_from_frame=matrix + torch.tensor([[0, 0, 900.0], [0] * 3, [0] * 3])
    )
    assert torch.equal(paste(torch.ones(1, 3, 64, 64), made, away), made)


def test_turned_places_meet():
    """A frame that was turned by 10 degrees goes back upright."""
    picture, angle = scene(), torch.tensor(10.0).deg2rad()
    turn = torch.tensor(
        [[angle.cos(), -angle.sin(), 80], [angle.sin(), angle.cos(), 40], [0, 0, 1.0]]
    )
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    at = torch.stack([x, y, torch.ones_like(x)], -1) @ turn.T
    grid = (2 * at[..., :2] + 1) / torch.tensor([200.0, 160.0]) - 1
    frame = F.grid_sample(picture[None], grid[None], mode="bicubic", align_corners=False)
    made = paste(frame.clamp(0, 1), picture[None], Patch(turn, (64, 64), ring()))
    assert float((made - picture).abs().max()) < 0.02


def clip_of(images):
    return Frames.of_clip(VideoClip.from_tensor((images * 255).round().byte(), Fraction(25), "it"))


def test_a_still_and_a_clip_as_targets():
    still, frames = scene()[None], torch.cat([cut(scene(seed=i)) for i in range(11)])
    by_still = list(
        paste_back(Frames.of_tensor(frames, "f"), Frames.of_tensor(still, "t"), patch())
    )
    assert sum(len(batch) for batch in by_still) == 11
    assert max(len(batch) for batch in by_still) == 8
    moving = torch.cat([scene(seed=50 + i)[None] for i in range(11)])
    by_clip = torch.cat(list(paste_back(Frames.of_tensor(frames, "f"), clip_of(moving), patch())))
    for i in (0, 7, 10):
        under = (moving[i : i + 1] * 255).round() / 255
        assert torch.allclose(by_clip[i], paste(frames[i : i + 1], under, patch())[0], atol=1e-6)


def test_bytes_outside_stay():
    """8-bit targets come back as the same bytes."""
    target = (scene() * 255).round().byte()[None]
    made = torch.cat(
        list(
            paste_back(
                Frames.of_tensor(torch.zeros(1, 3, 64, 64), "f"),
                Frames.of_clip(VideoClip.from_tensor(target, Fraction(25))),
                patch(),
            )
        )
    )
    back = (made * 255).round().byte()
    assert torch.equal(back[..., :TOP, :], target[..., :TOP, :])
    assert not torch.equal(back, target)


def test_a_place_for_every_frame():
    frames = torch.ones(3, 3, 64, 64)
    target = Frames.of_tensor(torch.zeros(3, 3, 160, 200), "t")

    def place(i):
        matrix = torch.tensor([[0.5, 0, 40.0 * i], [0, 0.5, 10], [0, 0, 1]])
        return Patch(matrix, (64, 64), torch.ones(4, 4))

    made = torch.cat(list(paste_back(Frames.of_tensor(frames, "f"), target, place)))
    for i in range(3):
        columns = made[i, 0].amax(0).nonzero()[:, 0]
        assert int(columns.min()) in range(40 * i, 40 * i + 2)


def test_what_does_not_fit():
    frames = Frames.of_tensor(torch.zeros(3, 3, 64, 64), "the images")
    with pytest.raises(InputError, match="the target has 2 frames, the images has 3"):
        list(paste_back(frames, Frames.of_tensor(torch.zeros(2, 3, 9, 9), "the target"), patch()))
    wide = Frames.of_tensor(torch.zeros(3, 3, 64, 96), "the images")
    with pytest.raises(InputError, match=r"96x64 px, which is not the shape .* 64x64"):
        list(paste_back(wide, Frames.of_tensor(torch.zeros(1, 3, 9, 9), "t"), patch()))
    short = replace(frames, count=4, name="clip.mp4", batches=lambda n: iter([]))
    with pytest.raises(InputError, match=r"clip\.mp4 breaks off after 0"):
        list(
            paste_back(
                replace(frames, count=4), replace(short, batches=lambda n: iter([])), patch()
            )
        )
