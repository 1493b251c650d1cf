"""Safetensors written one tensor at a time, read back by the library."""

import subprocess
import sys
from pathlib import Path

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


STATUS = Path("/proc/self/status")
REPO = Path(__file__).resolve().parents[2]


#: prints the most bytes, no pages of files, that a fresh process takes to write a file anew
WRITER = """
import sys
from pathlib import Path
import torch
from magicportrait_core.weights.safetensors_writer import Planned, write_safetensors
from magicportrait_core.weights.state_files import read_state

def own_memory():
    text = Path("/proc/self/status").read_text()
    return int(text.split("RssAnon:")[1].split()[0]) * 1024

def stream():
    global peak
    for key, tensor in read_state(source).items():
        yield key, tensor
        peak = max(peak, own_memory() - before)

source, target = map(Path, sys.argv[1:])
plan = {f"a.{n:02}": Planned((1_000_000,), torch.float16) for n in range(50)}
before, peak = own_memory(), 0
write_safetensors(target, plan, stream(), {})
print(peak)
"""


@pytest.mark.skipif(not STATUS.exists(), reason="memory is read from Linux's /proc")
@pytest.mark.parametrize("mapped", [True, False])
def test_one_tensor_at_a_time_is_in_memory(tmp_path, mapped):
    """200 MB of 4 MB tensors: the memory for one of them and its copy, not for all."""
    state = {f"a.{n:02}": torch.full((1_000_000,), float(n)) for n in range(50)}
    torch.save(state, tmp_path / "x.pth", _use_new_zipfile_serialization=mapped)
    command = [sys.executable, "-c", WRITER, str(tmp_path / "x.pth"), str(tmp_path / "y")]
    done = subprocess.run(command, cwd=REPO, check=True, capture_output=True, text=True)
    assert (int(done.stdout) < 40e6) is mapped  # torch's old form cannot be mapped
