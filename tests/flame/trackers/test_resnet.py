import pytest
import torch

from magicportrait_core.flame.trackers.resnet import ResNet50


@pytest.fixture(scope="module")
def network() -> ResNet50:
    torch.manual_seed(0)
    return ResNet50().eval().requires_grad_(False)


def pictures(n: int) -> torch.Tensor:
    return torch.rand(n, 3, 224, 224, generator=torch.Generator().manual_seed(1))


def test_features_are_torchvisions(network):
    models = pytest.importorskip("torchvision", reason="torchvision is not installed").models
    theirs = models.resnet50(weights=None).eval()
    theirs.fc = torch.nn.Identity()
    assert set(theirs.state_dict()) == set(network.state_dict())
    theirs.load_state_dict(network.state_dict())
    with torch.inference_mode():
        torch.testing.assert_close(network(pictures(1)), theirs(pictures(1)), rtol=1e-5, atol=1e-6)


def test_a_batch_gives_what_its_pictures_give(network):
    images = pictures(5)  # more than go through the first layers at once
    with torch.inference_mode():
        together = network(images)
        apart = torch.cat([network(image[None]) for image in images])
    assert together.shape == (5, 2048)
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-6)
