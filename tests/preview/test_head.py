"""The portrait's head: at rest it is where it was seen, and it turns about its neck."""

import pytest
import torch

from magicportrait_core.preview.head import PortraitHead
from magicportrait_core.preview.regions import LID_PAIRS, LIP_PAIRS, gaps
from magicportrait_core.preview.rotation import from_euler
from magicportrait_core.preview.sliders import FaceSliders, slider_motion
from magicportrait_core.topology import (
    CHIN,
    FOREHEAD,
    LIP_LOWER_INNER,
    LIP_UPPER_INNER,
    NOSE_TIP,
)

REST = torch.eye(3)[None]


def test_at_rest_it_is_where_it_was_seen(portrait):
    """Lips that overlap in the track are brought to touch."""
    head = portrait.head
    placed = head.turn(head.deform(slider_motion(head, [FaceSliders()])), REST)[0]
    torch.testing.assert_close(placed, head.landmarks, atol=0.15, rtol=0)


def test_only_lips_move_away_from_the_track(portrait):
    """Parted lips are cleared by a pixel; depth is limited, never pushed back."""
    tracked, held = portrait.track.landmarks[0], portrait.head.landmarks
    lips = torch.tensor(LIP_PAIRS).flatten()
    others = torch.ones(478, dtype=torch.bool)
    others[lips] = False
    assert torch.equal(held[others, :2], tracked[others, :2])
    assert (held[lips, :2] - tracked[lips, :2]).norm(dim=1).max() <= 1.2 + 1e-4
    assert (held[:, 2] <= tracked[:, 2]).all()
    assert portrait.head.flatness >= 1


def test_closed_lips_are_left_alone(actor, act):
    closed = act([FaceSliders()])
    head = PortraitHead.from_track(closed)
    assert gaps(closed.landmarks[0], LIP_PAIRS).abs().max() < 0.5
    moved = head.landmarks[:, :2] - closed.landmarks[0, :, :2]
    assert moved.abs().max() < 0.2


@pytest.mark.parametrize(
    ("angles", "point", "axis", "sign"),
    [
        ((15, 0, 0), NOSE_TIP, 0, 1),
        ((-15, 0, 0), NOSE_TIP, 0, -1),
        ((0, 12, 0), NOSE_TIP, 1, -1),
        ((0, -12, 0), NOSE_TIP, 1, 1),
        ((0, 0, 15), FOREHEAD, 0, 1),
        ((0, 0, -15), FOREHEAD, 0, -1),
    ],
)
def test_turns_go_where_they_say(portrait, angles, point, axis, sign):
    head = portrait.head
    turned = head.turn(head.shape[None], from_euler(*(torch.tensor([float(a)]) for a in angles)))
    moved = (turned[0] - head.landmarks)[point] / head.pose.scale
    assert sign * moved[axis] > 0.05


def test_the_pivot_stays(portrait):
    """The neck is under the ears, above the chin, behind the face."""
    head = portrait.head
    angles = torch.tensor([[0.0, 20, -20], [0, 10, -10], [0, -20, 20]])
    placed = head.turn(head.pivot.expand(3, 1, 3), from_euler(*angles))
    torch.testing.assert_close(placed, placed[:1].expand(3, -1, -1), atol=1e-2, rtol=0)
    assert head.pivot[1] < head.shape[CHIN, 1]
    assert head.pivot[2] > head.shape[NOSE_TIP, 2] + 0.3


def test_a_turned_skull_keeps_its_proportions(portrait):
    """Expression moves no point of the skull against another."""
    head = portrait.head
    skull = [168, 6, 197, 195, 127, 356, 162, 389, 10, 67, 297, 133, 362]
    poses = [
        FaceSliders(),
        FaceSliders(blink=1),
        FaceSliders(mouth=1),
        FaceSliders(smile=1),
        FaceSliders(smile=-1, mouth=0.5),
    ]
    placed = head.turn(head.deform(slider_motion(head, poses)), REST)[:, skull, :2]
    distances = torch.cdist(placed, placed)
    far = distances[0] > 0.2 * head.pose.scale
    ratios = distances[:, far] / distances[0, far]
    assert (ratios - 1).abs().max() < 0.03


def test_gaps_are_as_told(portrait):
    head = portrait.head
    poses = [FaceSliders(blink=b, mouth=m) for b, m in ((0, 0), (0.5, 0.5), (1, 1))]
    motion = slider_motion(head, poses)
    shape = head.deform(motion)
    lids = torch.stack([gaps(shape, pairs) for pairs in LID_PAIRS], 1)
    torch.testing.assert_close(lids, motion.lid_gap, atol=1e-5, rtol=0)
    torch.testing.assert_close(gaps(shape, LIP_PAIRS), motion.lip_gap, atol=0.02, rtol=0)


def test_the_upper_lid_comes_down(portrait):
    head = portrait.head
    moved = head.deform(slider_motion(head, [FaceSliders(blink=1)]))[0] - head.shape
    assert moved[[159, 386], 1].min() > 3 * moved[[145, 374], 1].abs().max()


def test_the_lower_lip_goes_down_further_than_the_upper_goes_up(portrait):
    head = portrait.head
    moved = head.deform(slider_motion(head, [FaceSliders(mouth=1)]))[0] - head.shape
    assert moved[LIP_LOWER_INNER, 1] > 0.1
    assert moved[LIP_LOWER_INNER, 1] > 4 * moved[LIP_UPPER_INNER, 1].abs()
    assert moved[CHIN, 1] > 0.5 * moved[LIP_LOWER_INNER, 1]
