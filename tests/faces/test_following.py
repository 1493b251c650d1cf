"""Between the frames in which a face is known."""

import numpy as np
import pytest
import torch

from magicportrait_core.faces.following import fill


def test_fill_interpolates_holds_ends_and_unwraps_angles():
    known = torch.tensor([1, 3])
    values = torch.tensor([[0.0, 0, 10, 3.1], [4.0, 0, 10, -3.1]])
    filled = fill(values, known, 5)
    assert filled[:, 0].tolist() == [0, 0, 2, 4, 4]
    assert filled[2, 3] == pytest.approx(np.pi, abs=1e-5)
