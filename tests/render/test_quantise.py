"""Eight bits, as the reference's files have them."""

import torch

from magicportrait_core.render import image_to_normal, normal_to_image, quantised, to_bytes
from magicportrait_core.types import MapBatch


def test_bytes_are_rounded_half_up():
    values = torch.tensor([-0.2, 0.0, 0.5 / 255, 1.4999 / 255, 1.5 / 255, 2.5 / 255, 1.0, 1.7])
    assert to_bytes(values).tolist() == [0, 0, 1, 1, 2, 3, 255, 255]
    assert values[0] == -0.2


def test_maps_come_back_clamped_and_rounded():
    maps = MapBatch(*(torch.randn(2, c, 3, 3) for c in (1, 3, 3, 1)))
    small = quantised(maps)
    for name in ("depth", "normal", "render", "mask"):
        got, exact = getattr(small, name), getattr(maps, name)
        assert torch.equal(got * 255, (got * 255).round())
        assert torch.allclose(got, exact.clamp(0, 1), atol=0.5001 / 255)


def test_a_readable_normal_goes_back_without_its_negative_part():
    normal = torch.tensor([-1.0, -0.25, 0.0, 0.25, 1.0])
    image = normal_to_image(normal)
    assert image.tolist() == [0, 0.375, 0.5, 0.625, 1]
    assert image_to_normal(image).tolist() == [0, 0, 0, 0.25, 1]
