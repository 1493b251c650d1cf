"""The detector's boxes and their merging."""

import pytest
import torch

from magicportrait_core.faces.crop import sample_crop, whole
from magicportrait_core.faces.detector import Detections, merge_overlapping, overlap


def test_overlapping_boxes_become_their_weighted_mean():
    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]])
    points = torch.zeros(3, 6, 2)
    merged = merge_overlapping(Detections(boxes, points, torch.tensor([0.6, 0.9, 0.5])))
    assert merged.scores.tolist() == pytest.approx([0.9, 0.5])
    assert merged.boxes[0].tolist() == pytest.approx([0.6, 0, 10.6, 10])
    assert merged.boxes[1].tolist() == [50, 50, 60, 60]


def test_overlap_is_intersection_over_union():
    a = torch.tensor([[0.0, 0, 2, 2]])
    b = torch.tensor([[1.0, 0, 3, 2], [5, 5, 6, 6]])
    assert overlap(a, b)[0].tolist() == pytest.approx([1 / 3, 0])


def test_the_portraits_face_is_found_once_and_noise_is_not_a_face(networks, portrait, backdrop):
    pictures = [portrait, backdrop(512, 512)]
    inputs = torch.stack([sample_crop(p, whole(512, 512)[0], 128, "zeros") for p in pictures])
    found, nothing = networks.detector(inputs)
    assert len(found.scores) == 1
    assert found.scores[0] > 0.8
    eye_left, eye_right, nose, mouth = found.keypoints[0, :4]
    assert eye_left[0] < nose[0] < eye_right[0]
    assert eye_left[1] < nose[1] < mouth[1]
    assert len(nothing.scores) == 0
    assert nothing.boxes.shape == (0, 4)
