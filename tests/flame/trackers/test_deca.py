import torch

from magicportrait_core.flame.trackers.deca import split_codes


def test_codes_come_in_the_encoders_order():
    codes = split_codes(torch.arange(236.0)[None].repeat(2, 1))
    firsts = {name: float(value.flatten()[0]) for name, value in vars(codes).items()}
    assert firsts == {
        "shape": 0, "texture": 100, "expression": 150, "pose": 200, "camera": 206, "lighting": 209,
    }  # fmt: skip
    assert codes.lighting.shape == (2, 9, 3)
    assert codes.lighting[1, 1].tolist() == [212, 213, 214]  # RGB of one harmonic
