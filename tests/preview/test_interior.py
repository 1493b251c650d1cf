"""What lies behind lids and lips keeps its place while they slide over it."""

import pytest
import torch

from magicportrait_core.preview.interior import HOLES, Interior, hole_triangles
from magicportrait_core.preview.motion import FaceMotion
from magicportrait_core.preview.sliders import FaceSliders, slider_motion
from magicportrait_core.topology import TRIANGLES


@pytest.fixture
def interior(portrait):
    return Interior.from_portrait(portrait.picture, portrait.head)


def edges(triangles):
    """Directed edges (a, b) of triangles (f, 3)."""
    return [(t[i], t[(i + 1) % 3]) for t in triangles.tolist() for i in range(3)]


def test_holes_are_closed_and_nothing_overlaps():
    """With the closing triangles every edge on a hole's rim has the face's on its other side."""
    triangles, owner = hole_triangles()
    assert set(owner.tolist()) == {0, 1, 2}
    mesh, closing = edges(TRIANGLES), edges(triangles)
    assert len(set(mesh + closing)) == len(mesh) + len(closing)
    for hole, ring in enumerate(HOLES):
        part = triangles[owner == hole]
        assert set(part.flatten().tolist()) == set(ring)
        assert len(part) == len(ring) - 2
        inner = set(edges(part))
        rim = [edge for edge in inner if edge[::-1] not in inner]
        assert len(rim) == len(ring)
        assert all((b, a) in set(mesh) for a, b in rim)


def test_at_rest_every_point_looks_at_itself(portrait, interior):
    """Lips that overlap by a little at rest are brought to touch."""
    head = portrait.head
    shape = head.deform(slider_motion(head, [FaceSliders()]))
    rings = [point for ring in HOLES for point in ring]
    seen = interior.sources(head, shape)[0, rings]
    limit = 0.012 * float(head.pose.scale)
    torch.testing.assert_close(seen, head.landmarks[rings, :2], atol=limit, rtol=0)


def test_a_closing_lid_slides_over_the_eye(portrait, interior):
    """The upper lid's edge comes to look at a lower place of the eyeball, as far as it moved."""
    head = portrait.head
    rest, half = head.deform(slider_motion(head, [FaceSliders(), FaceSliders(blink=0.5)]))
    change = interior.sources(head, half[None])[0, 159] - interior.sources(head, rest[None])[0, 159]
    moved = (half - rest)[159, 1] * head.pose.scale[0]
    assert moved > 1
    torch.testing.assert_close(change[1], moved, atol=0.3, rtol=0.1)


def test_teeth_hang_from_the_upper_lip(portrait, interior):
    head = portrait.head
    rest, opened = head.deform(slider_motion(head, [FaceSliders(), FaceSliders(mouth=1)]))
    sources = interior.sources(head, torch.stack([rest, opened]))
    upper = (sources[1, 13] - sources[0, 13]).norm() / head.pose.scale
    assert upper < 0.03
    assert sources[1, 14, 1] - sources[0, 14, 1] > 0.1 * head.pose.scale[0]


@pytest.mark.parametrize("shift", [0.02, 5.0])
def test_gaze_is_bounded(portrait, interior, shift):
    head = portrait.head
    rest = slider_motion(head, [FaceSliders()])
    looks = torch.tensor([[[shift, 0.0], [shift, 0.0]]])
    motion = FaceMotion(rest.rotation, rest.offset, rest.lid_gap, rest.lip_gap, looks)
    moved = interior.gaze(head, motion)[0]
    limit = 0.16 * interior.eye_widths * head.pose.scale
    assert (moved.norm(dim=1) <= limit * 1.05).all()
    assert (moved[:, 0] > 0).all()
    if shift < 0.1:
        torch.testing.assert_close(
            moved[:, 0] / head.pose.scale, torch.full((2,), shift), atol=0.006, rtol=0
        )


def test_layers_are_pictures(portrait, interior):
    for layer in (interior.behind, interior.skin):
        assert layer.shape == portrait.picture.shape
        assert layer.isfinite().all()
        assert layer.min() >= 0
        assert layer.max() <= 1
    margin = 0.4 * float(portrait.head.pose.scale)
    grown = portrait.track.boxes[0] + margin * torch.tensor([-1, -1, 1, 1])
    x0, y0, x1, y1 = grown.round().int().clamp(min=0).tolist()
    for layer in (interior.behind, interior.skin):
        outside = torch.ones_like(layer, dtype=torch.bool)
        outside[:, y0:y1, x0:x1] = False
        assert torch.equal(layer[outside], portrait.picture[outside])


def test_the_cavity_is_dark(portrait, interior):
    """Below the lower lip's inner edge, in the layer behind."""
    head = portrait.head
    x, y = (head.landmarks[14, :2] + torch.tensor([0, 0.12]) * head.pose.scale).round().int()
    assert interior.behind[:, y, x].mean() < 0.6 * portrait.picture[:, y, x].mean()
