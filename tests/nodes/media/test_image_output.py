"""Pictures made on first use: what is known before, and that they then act as a plain tensor."""

from __future__ import annotations

import copy
import importlib
import io
import operator
import pickle
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

SHAPE = (3, 2, 4, 3)
TRUE = torch.arange(72, dtype=torch.float32).reshape(SHAPE) / 72


@pytest.fixture
def deferred(pack):
    """The images and, in a list, how often they were made."""
    module = importlib.import_module(f"{pack.__name__}.nodes.media.image_output")
    times = []

    def make() -> torch.Tensor:
        times.append(1)
        return TRUE.clone()

    with torch.inference_mode():  # as the host runs its nodes
        return module.DeferredImages(make, SHAPE), times


def test_what_it_is_costs_nothing(deferred):
    images, made = deferred
    assert isinstance(images, torch.Tensor)
    assert torch.is_tensor(images)
    assert images.shape == SHAPE
    assert images.size() == SHAPE
    assert images.size(1) == 2
    assert images.size(dim=-1) == 3
    assert (len(images), images.ndim, images.dim(), images.numel()) == (3, 4, 4, 72)
    assert images.nelement() * images.element_size() == images.nbytes == 288
    assert (images.dtype, images.device.type, images.layout) == (
        torch.float32,
        "cpu",
        torch.strided,
    )
    assert images.is_floating_point()
    assert not images.is_cuda
    assert not images.requires_grad
    assert hash(images) == hash(images)
    assert {images: 1}[images] == 1
    for told in (repr(images), str(images), f"{[images]}"):
        assert "(3, 2, 4, 3), not made yet" in told
    assert made == []


SAME = {
    "cpu": lambda t: t.cpu(),
    "to": lambda t: t.to("cpu", torch.float64).float(),
    "clone": lambda t: t.clone(),
    "detach": lambda t: t.detach(),
    "contiguous": lambda t: t.contiguous(),
    "numpy": lambda t: torch.from_numpy(t.numpy()),
    "asarray": lambda t: torch.from_numpy(np.asarray(t)),
    "tolist": lambda t: torch.tensor(t.tolist()),
    "as_tensor": lambda t: torch.as_tensor(t),
    "asarray_torch": lambda t: torch.asarray(t) + 0,
    "dlpack": lambda t: torch.from_dlpack(t),
    "ellipsis": lambda t: t[...],
    "rows": lambda t: t[[0, 1, 2]],
    "iterated": lambda t: torch.stack(list(t)),
    "cat": lambda t: torch.cat([t[:0], t]),
    "cat_of_it": lambda t: torch.cat((t,), dim=0),
    "stack": lambda t: torch.stack([t, t])[1],
    "split": lambda t: torch.cat(t.split(2)),
    "movedim": lambda t: t.movedim(-1, 1).movedim(1, -1),
    "plus": lambda t: t + torch.zeros(1),
    "from_the_right": lambda t: 1 - (1.0 - t),
    "out": lambda t: torch.add(t, 0, out=torch.empty(SHAPE)),
    "copied_into": lambda t: torch.empty(SHAPE).copy_(t),
    "assigned": lambda t: operator.setitem(into := torch.empty(SHAPE), slice(None), t) or into,
    "aten": lambda t: torch.ops.aten.mul.Tensor(t, torch.ones(1)),
    "interpolate": lambda t: torch.nn.functional.interpolate(t, size=(4, 3)),
    "where": lambda t: torch.where(t >= 0, t, torch.zeros(1)),
    "view": lambda t: t.view(-1).reshape(SHAPE),
    "storage": lambda t: torch.empty(0).set_(t.untyped_storage()).reshape(SHAPE),
    "data": lambda t: t.data,
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "pickle": lambda t: pickle.loads(pickle.dumps(t)),
    "past_python": lambda t: _past_python(t),
}


def _past_python(images: torch.Tensor) -> torch.Tensor:
    """As compiled code calls PyTorch, with no hook of the class's Python methods."""
    with torch._C.DisableTorchFunctionSubclass():
        return images + torch.zeros(1)


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad, torch.enable_grad])
@pytest.mark.parametrize("use", SAME)
def test_what_is_done_with_it_is_done_with_the_pictures(deferred, use, mode):
    images, made = deferred
    with mode():
        result = SAME[use](images)
    assert type(result) is torch.Tensor, "what comes of it is plain"
    assert torch.equal(result, SAME[use](TRUE.clone()))
    assert made == [1]
    assert torch.equal(images, TRUE)
    assert made == [1], "they are made once"


def test_a_change_in_place_stays(deferred):
    images, made = deferred
    images[1] = 5
    images.mul_(2)
    images[0].add_(1)
    images += 1
    expected = TRUE.clone()
    expected[1] = 5
    expected.mul_(2)
    expected[0].add_(1)
    expected += 1
    assert torch.equal(images, expected)
    assert made == [1]


def test_result_written_into_it(deferred):
    images, made = deferred
    torch.mul(TRUE, 3, out=images)
    assert torch.equal(images.made(), TRUE * 3)
    assert made == [1]


def test_saved_it_is_a_plain_tensor(deferred):
    images, _ = deferred
    file = io.BytesIO()
    torch.save({"images": images}, file)
    file.seek(0)
    assert torch.equal(torch.load(file, weights_only=True)["images"], TRUE)


def test_its_maker_is_let_go(pack):
    module = importlib.import_module(f"{pack.__name__}.nodes.media.image_output")

    class Track:
        pass

    track = Track()
    seen = weakref.ref(track)
    images = module.DeferredImages(lambda track=track: TRUE, SHAPE)
    del track
    assert seen() is not None
    assert images.made() is TRUE
    assert seen() is None
    assert "not made yet" not in repr(images)


def test_threads_that_read_at_once_get_the_same(pack):
    module = importlib.import_module(f"{pack.__name__}.nodes.media.image_output")
    times = []

    def make() -> torch.Tensor:
        times.append(1)
        time.sleep(0.2)
        return TRUE.clone()

    images = module.DeferredImages(make, SHAPE)
    with ThreadPoolExecutor(4) as pool:
        places = list(pool.map(lambda index: images[index % 3].data_ptr(), range(8)))
    assert times == [1]
    assert len(set(places)) == 3


def test_a_making_that_breaks_off_begins_anew(pack):
    """The host's interrupt reaches who reads; the next one gets the pictures."""
    module = importlib.import_module(f"{pack.__name__}.nodes.media.image_output")

    class Interrupted(Exception):
        pass

    ends = [Interrupted()]

    def make() -> torch.Tensor:
        if ends:
            raise ends.pop()
        return TRUE

    images = module.DeferredImages(make, SHAPE)
    with pytest.raises(Interrupted):
        images.cpu()
    assert "not made yet" in repr(images)
    assert torch.equal(images.cpu(), TRUE)
