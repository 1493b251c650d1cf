"""How much memory a device has left, without packages of its own for it."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

import torch

#: what a control group may use and uses, in version 2 and 1 of them
_GROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    ),
)


def free_bytes(device: torch.device | str) -> int | None:
    """Bytes that can still be had on a device, or None where the system does not tell.

    Of a GPU also what torch holds for reuse. Of the CPU the least of what the system and its
    control group leave; where only the installed memory is known (macOS), a quarter of that.
    """
    device = torch.device(device)
    if device.type == "cuda":
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + kept
    if device.type != "cpu":
        return None
    known = [size for size in (_system(), _group()) if size is not None]
    return min(known) if known else None


def _system() -> int | None:
    if sys.platform == "win32":
        return _windows()
    found = available_in(_text("/proc/meminfo"))
    if found is not None:
        return found
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 4
    except (OSError, ValueError):
        return None


def available_in(meminfo: str) -> int | None:
    """MemAvailable of the text of /proc/meminfo, in bytes.

    https://docs.kernel.org/filesystems/proc.html#meminfo
    """
    for line in meminfo.splitlines():
        name, _, value = line.partition(":")
        words = value.split()
        if name == "MemAvailable" and words and words[0].isdecimal():
            return int(words[0]) << 10
    return None


def _group() -> int | None:
    for limit, used in _GROUPS:
        left = left_of(_text(limit), _text(used))
        if left is not None:
            return left
    return None


def left_of(limit: str, used: str) -> int | None:
    """Bytes that a control group's files leave; None where it has no limit ("max")."""
    if not (limit.strip().isdecimal() and used.strip().isdecimal()):
        return None
    return max(0, int(limit) - int(used))


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""


def _windows() -> int | None:
    """ullAvailPhys of MEMORYSTATUSEX.

    https://learn.microsoft.com/windows/win32/api/sysinfoapi/ns-sysinfoapi-memorystatusex
    """
    sizes = ("total", "free", "total_page", "free_page", "total_virtual", "free_virtual", "extra")

    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong) for name in sizes),
        )

    status = Status(length=ctypes.sizeof(Status))
    if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None
    return status.free
