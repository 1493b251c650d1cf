"""Between the frames in which a face is known."""

import numpy as np
import pytest
import torch

from magicportrait_core.faces.following import Following, fill, without_cut


def test_fill_interpolates_holds_ends_and_unwraps_angles():
    known = torch.tensor([1, 3])
    values = torch.tensor([[0.0, 0, 10, 3.1], [4.0, 0, 10, -3.1]])
    filled = fill(values, known, 5)
    assert filled[:, 0].tolist() == [0, 0, 2, 4, 4]
    assert filled[2, 3] == pytest.approx(np.pi, abs=1e-5)


def test_cut_faces_are_let_go_unless_all_are_cut():
    points = torch.rand(6, 478, 3) * 100
    points[1, :100, 0] += 1000  # 21 % of the mesh beyond the edge
    points[2, :150, 1] -= 1000  # 32 %
    frames = Following(torch.zeros(6, 4), points, torch.ones(6))
    assert without_cut(frames, 200, 200).valid.tolist() == [True, True, False, True, True, True]
    always = points.clone()
    always[:, :200, 0] += 1000  # a close-up
    frames = Following(torch.zeros(6, 4), always, torch.ones(6))
    assert without_cut(frames, 200, 200).valid.all()
