"""The scripted act: natural, at rest at both ends, tracked as it was scripted."""

from itertools import pairwise

import numpy as np
import pytest

from magicportrait_core.demo import FPS, SECONDS, demo_portrait_path, demo_poses, run_demo
from magicportrait_core.errors import InputError
from magicportrait_core.faces.networks import load_networks
from magicportrait_core.faces.tracker import track_faces
from magicportrait_core.looking.curves import read_curves
from magicportrait_core.preview import FaceSliders
from magicportrait_core.video import open_image, open_video

LARGEST_STEP = {"yaw": 3.5, "pitch": 3.5, "roll": 2.0, "blink": 0.7, "mouth": 0.35, "brows": 0.25}


def test_the_portrait_is_shipped():
    assert open_image(demo_portrait_path()).shape == (3, 512, 512)


def test_the_act_begins_and_ends_at_rest():
    poses = demo_poses()
    assert len(poses) == SECONDS * FPS
    assert poses[0] == FaceSliders()
    for name in LARGEST_STEP:
        assert getattr(poses[-1], name) == pytest.approx(0, abs=0.02)


def test_the_act_shows_everything_smoothly():
    poses = demo_poses()
    for name, largest in LARGEST_STEP.items():
        values = [getattr(pose, name) for pose in poses]
        assert max(abs(b - a) for a, b in pairwise(values)) < largest, name
    yaw, blink = ([getattr(p, name) for p in poses] for name in ("yaw", "blink"))
    assert (min(yaw), max(yaw)) == pytest.approx((-17, 17), abs=1)
    closings = sum(a < 0.9 <= b for a, b in pairwise(blink))
    assert closings == 2


def test_the_driver_does_what_the_script_says(acted_clip):
    found = read_curves(track_faces(open_video(acted_clip), load_networks(), smoothing=0))
    script = demo_poses(12)
    for name, seen in (("yaw", found.yaw), ("mouth", found.mouth)):
        wanted = np.array([getattr(pose, name) for pose in script])
        assert np.corrcoef(wanted, seen)[0, 1] > 0.9, name


def test_run_demo_refuses_what_is_no_folder(tmp_path):
    (tmp_path / "demo").write_text("a file")
    with pytest.raises(InputError, match="cannot be made"):
        run_demo(tmp_path / "demo")
    assert (tmp_path / "demo").read_text() == "a file"
