"""Time and memory of a piece of work, beside a yardstick of the machine."""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch


def per_frame(work: Callable[[], object], frames: int, repeats: int = 1) -> dict[str, float]:
    """Run ``work``; its cost a frame, the process's peak memory and the yardstick.

    repeats: runs, of which the fastest counts; for work that takes milliseconds.

    Returns cpu_ms_per_frame (all threads of this process together), wall_ms_per_frame, peak_mb
    (of the process since its start) and matmul_s.
    """
    runs = []
    for _ in range(repeats):
        start = time.process_time(), time.perf_counter()
        work()
        runs.append((time.process_time() - start[0], time.perf_counter() - start[1]))
    cpu, wall = min(runs)
    return {
        "frames": frames,
        "threads": torch.get_num_threads(),
        "cpu_ms_per_frame": round(cpu / frames * 1000, 3),
        "wall_ms_per_frame": round(wall / frames * 1000, 3),
        "peak_mb": round(peak_mb(), 1),
        "matmul_s": round(matmul_seconds(), 4),
    }


def summary(backends: dict[str, dict[str, float]]) -> dict[str, Any]:
    """What a bench returns, of :func:`per_frame`'s figures for each backend, the default's first.

    The default's figures; ``backend``, its name; ``ratio``: how many times as much CPU time a
    frame takes with each other one; ``backends``: all figures. peak_mb never falls from one to the
    next: it is the process's.
    """
    default, *others = backends
    base = backends[default]["cpu_ms_per_frame"]
    ratio = {name: round(backends[name]["cpu_ms_per_frame"] / base, 2) for name in others}
    return {"backend": default, **backends[default], "ratio": ratio, "backends": backends}


def matmul_seconds(size: int = 2048, repeats: int = 10) -> float:
    """Fastest of ten float32 ``torch.mm`` of 2048x2048: how fast the machine is right now."""
    a, b = torch.rand(2, size, size, generator=torch.Generator().manual_seed(0))
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        torch.mm(a, b)
        times.append(time.perf_counter() - start)
    return min(times)


def peak_mb() -> float:
    """Most memory this process has held, in MB (2**20 bytes)."""
    if sys.platform == "win32":
        return _windows_peak_bytes() / 2**20
    if sys.platform == "linux":  # getrusage's is inherited from the process that started this one
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 2**10
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def _windows_peak_bytes() -> int:
    """PeakWorkingSetSize of PROCESS_MEMORY_COUNTERS.

    https://learn.microsoft.com/windows/win32/api/psapi/ns-psapi-process_memory_counters
    """
    sizes = ("peak", "working", "a", "b", "c", "d", "pagefile", "peak_pagefile")

    class Counters(ctypes.Structure):
        _fields_ = (
            ("cb", ctypes.c_ulong),
            ("page_faults", ctypes.c_ulong),
            *((name, ctypes.c_size_t) for name in sizes),
        )

    counters = Counters(cb=ctypes.sizeof(Counters))
    kernel = ctypes.windll.kernel32
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    kernel.K32GetProcessMemoryInfo(
        ctypes.c_void_p(kernel.GetCurrentProcess()), ctypes.byref(counters), counters.cb
    )
    return counters.peak
