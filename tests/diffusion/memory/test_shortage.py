"""No memory is told from every other error."""

import pytest
import torch

from magicportrait_core.diffusion.memory.shortage import naming_shortage
from magicportrait_core.errors import InputError

CPU = "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory"
WINDOWS = "[enforce fail at alloc_cpu.cpp:80] data. DefaultCPUAllocator: not enough memory: you"


@pytest.mark.parametrize(
    "error",
    [
        torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError(CPU),
        RuntimeError(WINDOWS),
        RuntimeError("MPS backend out of memory (MPS allocated: 9.0 GB)"),
        MemoryError(),
    ],
)
def test_a_shortage_says_what_to_lower(error):
    with (
        pytest.raises(InputError, match=r"^There is not enough memory for denoising: lower it\.$"),
        naming_shortage("denoising", "it"),
    ):
        raise error


def test_the_allocators_own_error():
    with pytest.raises(InputError, match="not enough memory"), naming_shortage("a", "b"):
        torch.empty(1 << 60, dtype=torch.uint8)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("mat1 and mat2 shapes cannot be multiplied (1x2 and 3x4)"),
        KeyError("out of memory"),
        InputError("out of memory"),
    ],
)
def test_other_errors_pass(error):
    with pytest.raises(type(error)) as caught, naming_shortage("denoising", "it"):
        raise error
    assert caught.value is error
