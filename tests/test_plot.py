"""The plot shows what it is given: thumbnails of the face, shaded gaps."""

from dataclasses import replace

import numpy as np
import torch
from PIL import Image

from magicportrait_core.faces.networks import load_networks
from magicportrait_core.faces.tracker import track_faces
from magicportrait_core.plot import THUMBNAIL_SIDE, THUMBNAILS, plot_track, thumbnails
from magicportrait_core.video import open_video


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


def test_thumbnails_show_the_face_also_of_short_clips(acted_clip):
    clip = open_video(acted_clip, max_frames=3)
    found = thumbnails(track_faces(clip, load_networks()), clip)
    assert [number for number, _ in found] == [0, 0, 0, 1, 1, 2, 2, 2]
    assert len(found) == THUMBNAILS
    assert {tuple(image.shape) for _, image in found} == {(3, THUMBNAIL_SIDE, THUMBNAIL_SIDE)}
