"""A mesh over its frames: where the maps say it is, red where no face was seen."""

from dataclasses import replace

import pytest
import torch

from magicportrait_core.looking.mesh_overlay import (
    COVER,
    MeshOverlay,
    Window,
    Windowed,
    face_cover,
    head_cover,
    window_round,
)
from magicportrait_core.render import render_maps
from magicportrait_core.types import FaceTrack
from tests.small_head import small_head, small_track

SIZE = (240, 320)


def overlay(valid=(True, True, True, True)):
    return MeshOverlay(head_cover(small_track(), small_head()), SIZE, torch.tensor(valid))


def whole(frames):
    return torch.full((frames, 3, *SIZE), 200, dtype=torch.uint8)


def test_it_lies_where_the_mesh_is():
    cover = head_cover(small_track(), small_head())
    mask = render_maps(cover, *SIZE).frames([1, 3]).mask.bool()
    pictures = whole(2)
    drawn = overlay().draw(pictures, [1, 3], Window(0, 0, 320, 240))
    changed = (drawn != pictures).any(1, keepdim=True)
    assert not changed[~mask].any()
    assert changed[mask].float().mean() > 0.95
    assert (pictures == 200).all()


def test_a_window_shows_the_same_part():
    window = Window(100, 60, 120, 90)
    pictures = torch.randint(0, 255, (1, 3, *SIZE), dtype=torch.uint8)
    full = overlay().draw(pictures, [2], Window(0, 0, 320, 240))
    part = overlay().draw(window.cut(pictures, 90, 120), [2], window)
    inside = full[..., 60:150, 100:220]
    assert (part != window.cut(pictures, 90, 120)).any()
    edges = (part.int() - inside.int()).abs().amax(1) > 2  # pixel centres that lie on an edge
    assert edges.float().mean() < 0.01


def test_lost_frames_are_red():
    drawn = overlay((True, False, True, True)).draw(whole(2), [0, 1], Window(0, 0, 320, 240))
    red = (drawn[:, 0].int() - drawn[:, 2].int()).amax((1, 2))
    assert red[0] <= 0
    assert red[1] > 50


def test_the_mesh_hides_no_more_than_its_share():
    drawn = overlay().draw(whole(1), [0], Window(0, 0, 320, 240))
    assert drawn.min() >= round(200 * (1 - COVER)) - 1


def test_window_cuts_and_resizes():
    frames = torch.arange(40, dtype=torch.uint8).expand(2, 3, 30, 40)
    cut = Window(10, 5, 20, 10).cut(frames, 10, 20)
    assert torch.equal(cut, frames[..., 5:15, 10:30])
    small = Window(10, 5, 20, 10).cut(frames, 5, 10)
    assert small.shape == (2, 3, 5, 10)
    assert small.dtype == torch.uint8
    assert (small[0, 0, 2, 2:8].diff() == 2).all()


@pytest.mark.parametrize(
    ("low", "high", "frame", "expected"),
    [
        ((-0.5, -0.5), (0.5, 0.5), (200, 200), (38, 38, 124, 124)),
        ((-0.9, -0.9), (0.9, 0.9), (200, 200), (0, 0, 200, 200)),  # most of it: the frame
        ((-0.1, -1.0), (0.1, 1.0), (200, 400), (120, 0, 160, 200)),  # not narrower than 1 : 1.25
        ((0.8, 0.8), (3.0, 3.0), (200, 200), (175, 175, 25, 25)),  # beyond the frame
    ],
)
def test_window_round_what_is_looked_at(low, high, frame, expected):
    window = window_round(torch.tensor(low), torch.tensor(high), frame)
    assert (window.left, window.top, window.width, window.height) == expected


def test_the_overlays_window_holds_every_known_frame():
    track = small_track(6, size=(480, 640))
    cover = head_cover(track, small_head())
    valid = torch.tensor([True, True, True, True, True, False])
    window = MeshOverlay(cover, (480, 640), valid).window()
    assert (window.width, window.height) != (640, 480)
    seen = Windowed(cover, (480, 640), window).meshes(range(5), 99, 99).screen[..., :2]
    assert seen.abs().max() <= 1


def test_landmark_tracks_have_one_too(small_face):
    cover = face_cover(small_face)
    drawn = MeshOverlay(cover, SIZE, small_face.valid).draw(whole(1), [0], Window(0, 0, 320, 240))
    assert (drawn != 200).any()


@pytest.fixture
def small_face():
    from magicportrait_core.topology import canonical_face

    face = canonical_face() * 60 / canonical_face().abs().max()
    landmarks = (face + torch.tensor([160.0, 120.0, 0.0]))[None]
    box = torch.tensor([[100.0, 60, 220, 180]])
    return FaceTrack(box, landmarks, torch.ones(1), torch.ones(1).bool(), SIZE)


def test_what_is_drawn_is_lit_for_its_form():
    track = small_track()
    cover = head_cover(replace(track, lighting=torch.zeros_like(track.lighting)), small_head())
    render = render_maps(cover, *SIZE).frames([0])
    shades = render.render[0, 0][render.mask[0, 0] > 0]
    assert shades.max() - shades.min() > 0.5
