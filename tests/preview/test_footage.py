"""Real footage: what the driver did is read back from the output by our own tracker."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from magicportrait_core.faces.tracker import track_faces, track_image
from magicportrait_core.looking.curves import read_curves
from magicportrait_core.pictures import to_uint8
from magicportrait_core.preview import MotionSettings
from magicportrait_core.preview.motion import FaceMotion
from magicportrait_core.preview.performance import read_performance
from magicportrait_core.preview.retarget import retarget
from magicportrait_core.video import open_video

STRIDE = 4


@pytest.fixture(scope="module")
def driver(shared_media, networks):
    return track_faces(open_video(shared_media / "driving.mp4"), networks)


@pytest.fixture(scope="module")
def output(boy, driver, networks):
    """Every fourth frame of the boy driven, tracked frame by frame without smoothing."""
    motion = retarget(boy.head, driver, MotionSettings())
    parts = (motion.rotation, motion.offset, motion.lid_gap, motion.lip_gap, motion.gaze)
    frames = boy.draw(FaceMotion(*(part[::STRIDE] for part in parts)))
    seen = [track_image(to_uint8(frame), networks).landmarks for frame in frames]
    t = len(frames)
    return replace(
        driver, landmarks=torch.cat(seen), boxes=driver.boxes[:t], scores=driver.scores[:t],
        valid=driver.valid[:t],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "least"),
    [("yaw", 0.98), ("pitch", 0.88), ("roll", 0.95), ("mouth", 0.75), ("eyes", 0.85)],
)
def test_the_output_follows_the_driver(driver, output, name, least):
    acted = getattr(read_curves(driver), name)[::STRIDE]
    drawn = getattr(read_curves(output), name)
    assert np.corrcoef(acted, drawn)[0, 1] > least
    assert 0.6 < float(drawn.std() / acted.std()) < 1.3


def test_the_neutral_frame_is_the_portrait(boy, driver):
    neutral = read_performance(driver).neutral
    assert driver.valid[neutral]
    motion = retarget(boy.head, driver, MotionSettings())
    drawn = boy.draw(motion[neutral : neutral + 1])[0]
    error = boy.face(drawn - boy.picture).square().mean()
    assert -10 * error.log10() > 40
