"""Safetensors written one tensor at a time, read back by the library."""

import pytest
import torch
from safetensors import safe_open

from magicportrait_core.errors import InputError
from magicportrait_core.weights.safetensors_writer import Planned, write_safetensors

STATE = {
    "a": torch.arange(6.0).reshape(2, 3),
    "b.scalar": torch.tensor(1.5),
    "c": torch.ones(0, 4),
    "d": torch.arange(12.0).reshape(3, 4).T,
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_read_back(tmp_path, dtype):
    path = tmp_path / "x.safetensors"
    plan = {key: Planned(tuple(t.shape), dtype) for key, t in STATE.items()}
    write_safetensors(path, plan, iter(STATE.items()), {"kind": "test"})
    with safe_open(path, "pt") as file:
        assert file.metadata() == {"kind": "test"}
        assert set(file.keys()) == set(STATE)
        for key, tensor in STATE.items():
            assert torch.equal(file.get_tensor(key), tensor.to(dtype))


@pytest.mark.parametrize("value", [float("nan"), 1e30])
def test_what_is_no_number(tmp_path, value):
    plan = {"a": Planned((1,), torch.float16)}
    with pytest.raises(InputError, match="a has values that are no numbers, or too large for F16"):
        write_safetensors(tmp_path / "x", plan, [("a", torch.tensor([value]))], {})


def test_another_order_is_a_bug(tmp_path):
    plan = {"a": Planned((1,), torch.float16)}
    with pytest.raises(ValueError, match="b"):
        write_safetensors(tmp_path / "x", plan, [("b", torch.ones(1))], {})
