"""The picture itself: the portrait at rest, whole and sharp when moved, still at its corners."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from magicportrait_core.faces.tracker import track_image
from magicportrait_core.pictures import to_uint8
from magicportrait_core.preview.engine import render_motion
from magicportrait_core.preview.interior import hole_triangles
from magicportrait_core.preview.renderer import Renderer
from magicportrait_core.preview.scan import scan_convert
from magicportrait_core.preview.sliders import FaceSliders, slider_motion
from magicportrait_core.topology import (
    LEFT_LIDS,
    LIP_LOWER_INNER,
    LIP_UPPER_INNER,
    RIGHT_LIDS,
    TRIANGLES,
)

#: Points of the skull that no expression moves and no tracker takes from shut lids.
SKULL = [168, 6, 197, 195, 5, 4, 127, 356, 234, 454]
EXPRESSIONS = {
    "mouth": FaceSliders(mouth=0.5),
    "blink": FaceSliders(blink=1),
    "smile": FaceSliders(smile=0.7),
    "brows": FaceSliders(brows=0.5),
}


def psnr(a, b):
    return float(-10 * (a - b).square().mean().log10())


def sharpness(image):
    """Variance of the Laplacian of a (3, h, w) picture."""
    kernel = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])
    return float(F.conv2d(image.mean(0)[None, None], kernel[None, None]).var())


def opening(track, *pairs):
    points = track.landmarks[0, :, :2]
    return sum(float((points[a] - points[b]).norm()) for a, b in pairs)


def test_at_rest_it_is_the_portrait(portrait):
    drawn = portrait.pose(FaceSliders())[0]
    assert psnr(portrait.face(drawn), portrait.face(portrait.picture)) > 40


@pytest.mark.parametrize(
    "sliders",
    [FaceSliders(yaw=10), FaceSliders(yaw=-10), FaceSliders(mouth=0.5)],
    ids=["right", "left", "mouth"],
)
def test_it_stays_sharp(portrait, networks, sliders):
    """Each picture in its own face's box."""
    drawn = portrait.pose(sliders)[0]
    x0, y0, x1, y1 = track_image(to_uint8(drawn), networks).boxes[0].round().int().tolist()
    assert sharpness(drawn[:, y0:y1, x0:x1]) > 0.8 * sharpness(portrait.face(portrait.picture))


def test_eyes_shut_and_the_mouth_opens(portrait, networks):
    """As our own tracker reads the drawn picture."""
    shut, opened = (
        track_image(to_uint8(image), networks)
        for image in portrait.pose(FaceSliders(blink=1), FaceSliders(mouth=1))
    )
    lids = RIGHT_LIDS, LEFT_LIDS
    assert opening(shut, *lids) < 0.37 * opening(portrait.track, *lids)
    lips = (LIP_UPPER_INNER, LIP_LOWER_INNER)
    unit = float(portrait.head.pose.scale)
    assert opening(opened, lips) > opening(portrait.track, lips) + 0.15 * unit


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_the_skull_keeps_its_proportions(portrait, networks, name):
    """Ratios of distances, as our own tracker reads the drawn picture."""
    drawn = track_image(to_uint8(portrait.pose(EXPRESSIONS[name])[0]), networks)
    was, now = (
        torch.cdist(p, p) for p in (t.landmarks[0, SKULL, :2] for t in (portrait.track, drawn))
    )
    far = was > 0.3 * portrait.head.pose.scale
    ratio = now[far] / was[far]
    assert (ratio / ratio.median() - 1).abs().quantile(0.9) < 0.03


def test_the_corners_stay(portrait):
    poses = [
        FaceSliders(25 * np.sin(0.9 * i), 15 * np.sin(1.7 * i), 20 * np.sin(1.1 * i + 0.4))
        for i in range(12)
    ]
    spread = 255 * portrait.pose(*poses).std(0).mean(0)
    h, w = spread.shape[0] // 16, spread.shape[1] // 16
    for rows, most in ((slice(None, h), 1), (slice(-h, None), 3)):
        assert spread[rows, :w].mean() < most
        assert spread[rows, -w:].mean() < most


def test_no_triangle_shows_its_back(portrait):
    """Of all pixels a turned face covers, those whose nearest triangle is folded over."""
    head = portrait.head
    poses = [FaceSliders(yaw=yaw) for yaw in (-25, -12, 12, 25)]
    motion = slider_motion(head, poses)
    landmarks = head.turn(head.deform(motion), motion.rotation)
    triangles = torch.cat([TRIANGLES, hole_triangles()[0]])
    face = scan_convert(landmarks, triangles, *portrait.picture.shape[1:])
    a, b, c = landmarks[:, triangles, :2].unbind(2)
    double = (b - a)[..., 0] * (c - a)[..., 1] - (c - a)[..., 0] * (b - a)[..., 1]
    for nearest, area in zip(face, double, strict=True):
        covered = nearest[nearest >= 0]
        assert (area[covered] > 0).float().mean() < 0.005
    drawn = scan_convert(landmarks, triangles, *portrait.picture.shape[1:], cull=True)
    assert ((face >= 0) & (drawn < 0)).sum() < 0.005 * (face >= 0).sum()


def test_extremes_are_pictures(portrait):
    """Every slider at both ends, and all at once."""
    ends = [FaceSliders(s * 25, s * 20, s * 25, max(s, 0), s, max(s, 0), s) for s in (-1, 1)]
    drawn = portrait.pose(*ends, FaceSliders(yaw=25, mouth=1, blink=0.5))
    assert drawn.shape == (3, *portrait.picture.shape)
    assert drawn.isfinite().all()
    assert drawn.min() >= 0
    assert drawn.max() <= 1


def test_a_frame_does_not_depend_on_its_batch(portrait):
    poses = [FaceSliders(yaw=15), FaceSliders(mouth=1, pitch=-10), FaceSliders(blink=1)]
    together = portrait.pose(*poses)
    for pose, frame in zip(poses, together, strict=True):
        torch.testing.assert_close(portrait.pose(pose)[0], frame, atol=2e-3, rtol=0)


def test_cuda_draws_what_the_cpu_draws(shipped):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    poses = [FaceSliders(), FaceSliders(yaw=15, mouth=0.7), FaceSliders(roll=-10, blink=1)]
    motion = slider_motion(shipped.head, poses)
    drawn = torch.cat(list(render_motion(shipped.picture, shipped.head, motion, device="cuda")))
    assert drawn.device.type == "cpu"
    difference = (drawn - shipped.draw(motion)).abs()
    assert difference.mean() < 1e-4
    assert (difference > 0.02).float().mean() < 1e-3  # a pixel on an edge may go either way


def test_pixels_are_where_they_are_asked_for(shipped):
    renderer = Renderer.from_portrait(shipped.picture, shipped.head)
    assert renderer.picture.shape == (1, 3, 1024, 1024)
    x0, y0, x1, y1 = renderer._window(shipped.head.landmarks[None])
    left, top, right, bottom = shipped.track.boxes[0].tolist()
    assert x0 <= left < right <= x1
    assert y0 <= top < bottom <= y1
