"""What a scrubber shows of a track: its curves as numbers, its mesh where the face is, its maps."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from magicportrait_core.faces.networks import load_networks
from magicportrait_core.faces.tracker import track_faces
from magicportrait_core.looking.curves import read_curves
from magicportrait_core.looking.glimpses import picture_of
from magicportrait_core.looking.mesh_overlay import head_cover
from magicportrait_core.looking.plot_subjects import head_subject
from magicportrait_core.motion.maps_film import map_pictures
from magicportrait_core.motion.track_views import (
    curves_of,
    face_curves,
    face_views,
    head_views,
    map_views,
)
from magicportrait_core.render import render_maps
from magicportrait_core.types import VideoClip
from magicportrait_core.video import open_video
from tests.small_head import small_head, small_track


@pytest.fixture(scope="module")
def acted(acted_clip):
    clip = open_video(acted_clip)
    return clip, track_faces(clip, load_networks())


def test_curves_are_the_tracks_as_plain_numbers(acted):
    _, track = acted
    track = replace(track, valid=torch.tensor([True] * 3 + [False] * 2 + [True] * 6 + [False]))
    told = face_curves(track)
    assert (told["frames"], told["fps"]) == (12, float(track.fps))
    assert told["lost"] == [[3, 4], [11, 11]]
    assert told["neutral"] not in (3, 4, 11)
    lines = {line["name"]: line["values"] for panel in told["panels"] for line in panel["lines"]}
    assert list(lines) == ["yaw", "pitch", "roll", "mouth", "eyes"]
    for name, values in lines.items():
        assert values == pytest.approx(getattr(read_curves(track), name).tolist(), abs=1e-4)


def test_a_heads_curves_have_its_jaw():
    told = curves_of(head_subject(small_track(), small_head()))
    names = [line["name"] for panel in told["panels"] for line in panel["lines"]]
    assert names[:4] == ["yaw", "pitch", "roll", "jaw"]


@pytest.mark.parametrize("close", [False, True])
def test_the_mesh_lies_on_the_face(acted, close):
    clip, track = acted
    views = face_views(track, clip)
    frame, mesh = (picture_of(views[name](5, close)).int() for name in ("frame", "mesh"))
    changed = (frame - mesh).abs().amax(0) > 60
    rows, columns = changed.nonzero().unbind(1)
    spot = torch.stack([columns.float().mean(), rows.float().mean()])
    face = track.landmarks[5, :468, :2]
    if close:
        assert frame.shape[1] < 512  # the face alone
        assert changed.float().mean() > 0.01
    else:
        low, high = face.amin(0), face.amax(0)
        assert frame.shape == (3, 512, 512)
        assert (low < spot).all()
        assert (spot < high).all()
        assert rows.min() > low[1] - 6
        assert columns.max() < high[0] + 6


def test_a_heads_mesh_is_drawn_over_the_clip():
    track, head = small_track(), small_head()
    height, width = track.frame_size
    images = torch.full((len(track), 3, height, width), 200, dtype=torch.uint8)
    clip = VideoClip.from_tensor(images, Fraction(25))
    views = head_views(track, head, clip)
    whole = picture_of(views["mesh"](1, False))
    assert whole.shape == (3, height, width)
    assert 0.01 < ((whole.int() - 200).abs().amax(0) > 20).float().mean() < 0.9
    close = picture_of(views["mesh"](1, True))
    assert close.shape[1] <= height


def test_maps_are_those_of_the_frame():
    maps = render_maps(head_cover(small_track(), small_head()), 96, 128)
    views = map_views(maps)
    assert list(views) == ["depth", "normal", "render"]
    for name, view in views.items():
        expected = map_pictures(maps.frames([2]))[name][0].float()
        assert (picture_of(view(2, False)).float() - expected).abs().mean() < 6
