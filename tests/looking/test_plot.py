"""The plot shows what it is given: thumbnails of the face, shaded gaps."""

from dataclasses import replace

import numpy as np
import torch
from PIL import Image

from magicportrait_core.faces.networks import load_networks
from magicportrait_core.faces.tracker import track_faces
from magicportrait_core.looking.plot import (
    THUMBNAIL_SIDE,
    THUMBNAILS,
    plot_head_track,
    plot_track,
    thumbnails,
)
from magicportrait_core.looking.plot_subjects import face_subject, head_subject
from magicportrait_core.tracks import load_head_track
from magicportrait_core.video import open_video
from tests.small_head import small_head


def test_a_plot_with_lost_frames_is_shaded(tmp_path, acted_clip):
    clip = open_video(acted_clip)
    track = track_faces(clip, load_networks())
    lost = replace(track, valid=torch.arange(12) < 9)
    pictures = []
    for name, shown in (("whole.png", track), ("lost.png", lost)):
        plot_track(tmp_path / name, shown, clip)
        pictures.append(np.asarray(Image.open(tmp_path / name).convert("RGB")).astype(int))
    whole, shaded = pictures
    assert whole.shape == shaded.shape
    late = slice(int(0.8 * whole.shape[1]), int(0.9 * whole.shape[1]))
    for picture, least, most in ((whole, 0.0, 0.1), (shaded, 0.7, 1.0)):
        reddish = (picture[300:500, late, 0] - picture[300:500, late, 2] > 10).mean()
        assert least <= reddish <= most
    assert {p.name for p in tmp_path.iterdir()} == {"whole.png", "lost.png"}


def test_a_head_track_is_drawn_in_the_same_way(tmp_path, acted_clip, acted_head):
    clip, track = open_video(acted_clip, max_frames=6), load_head_track(acted_head)
    lost = replace(track, valid=torch.arange(6) < 5)
    sizes = []
    for name, shown, head in (
        ("whole.png", track, small_head()),
        ("lost.png", lost, small_head()),
        ("bare.png", track, replace(small_head(), landmarks=None)),
    ):
        plot_head_track(tmp_path / name, shown, head, clip)
        sizes.append(Image.open(tmp_path / name).size)
    assert sizes[0] == sizes[1]
    assert sizes[2][0] == sizes[0][0]
    assert sizes[2][1] < sizes[0][1]  # no mouth and eyes to draw
    whole, shaded = (
        np.asarray(Image.open(tmp_path / name).convert("RGB")).astype(int)
        for name in ("whole.png", "lost.png")
    )
    late = slice(int(0.9 * whole.shape[1]), int(0.93 * whole.shape[1]))
    red, plain = ((p[150:400, late, 0] - p[150:400, late, 2] > 10).mean() for p in (shaded, whole))
    assert plain < 0.1
    assert red > 0.7


def test_a_head_is_drawn_over_its_frames(acted_clip, acted_head):
    clip, track = open_video(acted_clip, max_frames=6), load_head_track(acted_head)
    subject = head_subject(track, small_head())
    assert [line.name for panel in subject.panels for line in panel.lines] == [
        *("yaw", "pitch", "roll"), "jaw", "mouth", "eyes",
    ]  # fmt: skip
    found = thumbnails(subject, clip)
    assert len(found) == THUMBNAILS
    bare = thumbnails(replace(subject, draw=plain_cut), clip)
    for (_, drawn), (_, cut) in zip(found, bare, strict=True):
        assert drawn.shape == (3, THUMBNAIL_SIDE, THUMBNAIL_SIDE)
        changed = ((drawn.int() - cut.int()).abs().amax(0) > 20).float()
        assert changed[100:158, 100:158].mean() > 0.9
        assert changed[:20].mean() < 0.5


def plain_cut(image, frame, window, side):
    return window.cut(image[None], side, side)[0]


def test_thumbnails_show_the_face_also_of_short_clips(acted_clip):
    clip = open_video(acted_clip, max_frames=3)
    found = thumbnails(face_subject(track_faces(clip, load_networks())), clip)
    assert [number for number, _ in found] == [0, 0, 0, 1, 1, 2, 2, 2]
    assert len(found) == THUMBNAILS
    assert {tuple(image.shape) for _, image in found} == {(3, THUMBNAIL_SIDE, THUMBNAIL_SIDE)}
