"""Masks from geometry: where the mesh is, a margin, a soft edge, and the picture's own edges."""

from __future__ import annotations

import pytest
import torch

from magicportrait_core.looking.mesh_overlay import head_cover
from magicportrait_core.pasting.masks import SIDE, covered, feathered, mask_size, soft_mask
from magicportrait_core.render import render_maps
from tests.small_head import small_head, small_track


def block(low=20, high=40, side=64):
    inside = torch.zeros(side, side, dtype=torch.bool)
    inside[low:high, low:high] = True
    return inside


def test_it_is_one_inside_and_falls_to_zero():
    mask = soft_mask(block(), grow=4, feather=10)
    assert torch.equal(mask[20:40, 20:40], torch.ones(20, 20))
    row = mask[30]
    assert torch.equal(row[16:44], torch.ones(28))
    assert (row[43:54].diff() < 0).any()
    assert (row[43:].diff() <= 0).all()
    assert float(row[44 + 9 + 1 :].max()) == 0
    assert float(row.diff().abs().max()) < 0.2


def test_a_negative_margin_begins_inside():
    mask = soft_mask(block(), grow=-6, feather=6)
    assert float(mask[30, 30]) == 1
    assert 0 < float(mask[30, 37]) < 1
    assert float(mask[30, 41]) == 0


def test_it_ends_at_edges_unless_they_are_the_pictures():
    mask = soft_mask(block(0, 64), grow=0, feather=8)
    assert float(mask[[0, -1]].max()) == 0
    assert float(mask[:, [0, -1]].max()) == 0
    mask = soft_mask(block(0, 64), 0, 8, (True, False, False, True))
    assert float(mask[30, 0]) == 1
    assert float(mask[-1, 30]) == 1
    assert float(mask[0].max()) == float(mask[:, -1].max()) == 0


def test_nothing_covered_is_nothing_pasted():
    assert float(soft_mask(torch.zeros(9, 9, dtype=torch.bool), 3, 3).max()) == 0


def test_a_users_mask_only_shrinks():
    own = block().float()
    soft = feathered(own, 5)
    assert (soft <= own).all()
    assert float(soft[30, 30]) == 1
    assert 0 < float(soft[30, 21]) < 1
    assert torch.equal(feathered(own, 0), own)
    whole = feathered(torch.ones(32, 32), 4)
    assert float(whole[0, 16]) < 0.5


def test_the_mesh_of_all_frames():
    mesh = head_cover(small_track(6), small_head())
    found = covered(mesh, (240, 320))
    height, width = mask_size((240, 320))
    assert found.shape == (height, width) == (192, SIDE)
    wanted = render_maps(mesh, height, width).frames(range(6)).mask.amax(0)[0] > 0
    assert torch.equal(found, wanted)
    one = covered(mesh, (240, 320), [2])
    assert (one & ~found).sum() == 0
    assert one.sum() < found.sum()


def test_long_clips_are_sampled(monkeypatch):
    asked = []
    mesh = head_cover(small_track(300), small_head())
    own = type(mesh).meshes

    def watched(self, frames, height, width):
        asked.extend(frames)
        return own(self, frames, height, width)

    monkeypatch.setattr(type(mesh), "meshes", watched)
    covered(mesh, (240, 320))
    assert len(asked) == 96
    assert asked[0] == 0
    assert asked[-1] == 299


@pytest.mark.parametrize("size", [(512, 512), (300, 700), (10, 4000)])
def test_masks_are_small(size):
    height, width = mask_size(size)
    assert max(height, width) == SIDE
    assert min(height, width) >= 1
