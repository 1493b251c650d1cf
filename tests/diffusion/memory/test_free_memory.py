"""Memory that is left, as systems tell it."""

import pytest
import torch

from magicportrait_core.diffusion.memory import free_memory
from magicportrait_core.diffusion.memory.free_memory import available_in, free_bytes, left_of

MEMINFO = "MemTotal:       16318204 kB\nMemFree:         1000 kB\nMemAvailable:    2048 kB\n"


def test_this_machine_tells():
    """It must have some, and less than a petabyte."""
    assert 1 << 20 < free_bytes("cpu") < 1 << 50


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [(MEMINFO, 2048 << 10), ("MemFree: 5 kB", None), ("MemAvailable:", None), ("", None)],
)
def test_meminfo(text, bytes_):
    assert available_in(text) == bytes_


@pytest.mark.parametrize(
    ("limit", "used", "left"),
    [("1000\n", "300\n", 700), ("300", "1000", 0), ("max\n", "5", None), ("", "", None)],
)
def test_control_groups(limit, used, left):
    assert left_of(limit, used) == left


@pytest.mark.parametrize(
    ("system", "group", "left"),
    [(5, 3, 3), (5, None, 5), (None, 4, 4), (None, None, None)],
)
def test_the_least_counts(monkeypatch, system, group, left):
    monkeypatch.setattr(free_memory, "_system", lambda: system)
    monkeypatch.setattr(free_memory, "_group", lambda: group)
    assert free_bytes("cpu") == left


def test_a_gpu_reuses_what_torch_holds(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (100, 1000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 70)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 50)
    assert free_bytes("cuda") == 120


def test_other_devices_do_not_tell():
    assert free_bytes("meta") is None
