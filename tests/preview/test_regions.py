"""Which part of the face goes with which control."""

import torch

from magicportrait_core.preview.canonical import canonical_face
from magicportrait_core.preview.regions import (
    EYE_RINGS,
    LID_PAIRS,
    LIP_PAIRS,
    gaps,
    jaw_weights,
    lid_follow,
    lip_follow,
    pair_indices,
    regions,
    smoothstep,
)
from magicportrait_core.topology import (
    CHIN,
    FOREHEAD,
    LIP_LOWER_INNER,
    LIP_UPPER_INNER,
    LIPS_INNER,
    NOSE_TIP,
    RIGHT_BROW,
)


def test_weights_are_shares():
    parts = regions()
    for weight in (parts.mouth, parts.eyes, parts.brows, parts.mobility, jaw_weights()):
        assert weight.shape == (478,)
        assert weight.min() >= 0
        assert weight.max() <= 1


def test_each_region_is_its_own():
    parts = regions()
    assert parts.mouth[[CHIN, LIP_LOWER_INNER]].min() > 0.9
    assert parts.eyes[[159, 145]].min() == 1
    assert parts.brows[list(RIGHT_BROW)].max() > 0.9
    assert parts.mouth[[159, 105, FOREHEAD]].max() < 0.05
    assert parts.eyes[[CHIN, NOSE_TIP, FOREHEAD]].max() < 0.05
    assert parts.mobility[[FOREHEAD, 127, 356]].max() < 0.01
    assert parts.mobility[168] < 0.25


def test_the_jaw_takes_the_lower_lip_and_leaves_the_upper():
    weights = jaw_weights()
    assert weights[LIP_UPPER_INNER] == 0
    assert weights[LIP_LOWER_INNER] > 0.9
    assert weights[CHIN] > 0.95
    assert weights[[NOSE_TIP, 159, FOREHEAD]].max() < 1e-3


def test_pairs_lie_across_their_holes():
    face = canonical_face()
    for pairs in (*LID_PAIRS, LIP_PAIRS):
        upper, lower = pair_indices(pairs)
        assert (face[upper, 0] - face[lower, 0]).abs().max() < 0.06
        assert (gaps(face, pairs) > -0.01).all()
    assert set(torch.tensor(LIP_PAIRS).flatten().tolist()) < set(LIPS_INNER)
    for pairs, ring in zip(LID_PAIRS, EYE_RINGS, strict=True):
        assert set(torch.tensor(pairs).flatten().tolist()) < set(ring)


def test_each_edge_follows_its_own_gap_only():
    (upper, lower), (above, below) = pair_indices(LIP_PAIRS), lip_follow()
    assert torch.equal(above[upper], torch.eye(9))
    assert torch.equal(below[lower], torch.eye(9))
    assert above[lower].abs().max() == below[upper].abs().max() == 0
    upper, lower = pair_indices(LID_PAIRS)
    for eye in (0, 1):
        above, below = (side[eye] for side in lid_follow())
        assert torch.equal(above[upper[eye]], torch.eye(7))
        assert torch.equal(below[lower[eye]], torch.eye(7))
        assert above[lower[eye]].abs().max() == below[upper[eye]].abs().max() == 0
        assert above[upper[1 - eye]].abs().max() < 1e-3


def test_no_point_goes_further_than_what_it_follows():
    for weight in (*lip_follow(), *lid_follow()):
        assert weight.min() >= 0
        assert weight.sum(-1).max() <= 1 + 1e-5


def test_smoothstep():
    values = smoothstep(torch.linspace(-1, 2, 301, dtype=torch.float64))
    assert values[0] == 0
    assert values[-1] == 1
    torch.testing.assert_close(values[150].item(), 0.5)
    assert (values.diff() >= 0).all()
