import pytest
import torch

from magicportrait_core.flame.trackers.mobilenet import LARGE, SMALL, MobileNetV3Minimal


def filled(stages: tuple) -> MobileNetV3Minimal:
    """With norms that do something."""
    network = MobileNetV3Minimal(stages).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(0)
    for name, value in network.state_dict().items():
        if "running_var" in name or (value.ndim == 1 and name.endswith("weight")):
            value.uniform_(0.5, 1.5, generator=generator)
        elif value.ndim == 1:
            value.uniform_(-0.1, 0.1, generator=generator)
        elif value.ndim > 1:
            bound = (4.5 / value[0].numel()) ** 0.5
            value.uniform_(-bound, bound, generator=generator)
    return network


@pytest.mark.parametrize("size", [(224, 224), (97, 130)])
@pytest.mark.parametrize(("name", "stages"), [("large", LARGE), ("small", SMALL)])
def test_features_are_timms(name, stages, size):
    timm = pytest.importorskip("timm", reason="timm is not installed")
    theirs = timm.create_model(
        f"tf_mobilenetv3_{name}_minimal_100", pretrained=False, features_only=True
    ).eval()
    ours = filled(stages)
    assert set(theirs.state_dict()) == set(ours.state_dict())
    theirs.load_state_dict(ours.state_dict())
    images = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = theirs(images)[-1].mean((2, 3))
        torch.testing.assert_close(ours(images), expected, rtol=1e-5, atol=1e-6)


def test_a_batch_gives_what_its_pictures_give():
    network = filled(SMALL)
    images = torch.rand(6, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        apart = torch.cat([network(image[None]) for image in images])
        torch.testing.assert_close(network(images), apart, rtol=1e-4, atol=1e-6)
    assert apart.shape == (6, 576)
