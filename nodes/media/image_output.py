"""IMAGE and MASK outputs whose pictures are made when somebody first reads them.

An output that nothing is wired to so costs nothing, and wiring it later reruns nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

#: what tells of a tensor without its values
_DESCRIPTIONS = {
    Tensor.__hash__,
    Tensor.__len__,
    Tensor.device.__get__,
    Tensor.dim,
    Tensor.dtype.__get__,
    Tensor.element_size,
    Tensor.is_cuda.__get__,
    Tensor.is_floating_point,
    Tensor.itemsize.__get__,
    Tensor.layout.__get__,
    Tensor.nbytes.__get__,
    Tensor.ndim.__get__,
    Tensor.nelement,
    Tensor.numel,
    Tensor.requires_grad.__get__,
    Tensor.shape.__get__,
    Tensor.size,
}


class DeferredImages(Tensor):
    """A float32 tensor on the CPU, made whole on the first use of its values, then kept.

    Its shape, type and length are known before. Whatever else is done with it, by PyTorch or by
    NumPy, in place, pickled or copied, is done with the plain tensor that was made. What making it
    raises, the host's interrupt included, goes to that first user, and the next one makes it anew.
    Threads that read it at once, as savers of pictures do, wait for the one that makes it.

    https://pytorch.org/docs/stable/notes/extending.html#subclassing-torch-tensor
    """

    @staticmethod
    def __new__(cls, make: Callable[[], Tensor], shape: tuple[int, ...]) -> DeferredImages:
        """make: gives a float32 CPU tensor of ``shape``."""
        return torch.Tensor._make_wrapper_subclass(cls, shape, dtype=torch.float32)

    def __init__(self, make: Callable[[], Tensor], shape: tuple[int, ...]) -> None:
        self._make: Callable[[], Tensor] | None = make
        self._made: Tensor | None = None
        self._making = threading.Lock()

    def made(self) -> Tensor:
        """The pictures as a plain tensor; every call gives the same one."""
        with self._making:
            if self._made is None:
                self._made = self._make()
                self._make = None  # and with it what it was made from
            return self._made

    def __repr__(self, **how) -> str:
        """The host writes a failed node's inputs into its report: nothing is made for that."""
        if self._made is None:
            return f"DeferredImages of shape {tuple(self.shape)}, not made yet"
        return self._made.__repr__(**how)

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        """Of whatever Python calls."""
        if func in _DESCRIPTIONS:
            with torch._C.DisableTorchFunctionSubclass():
                return func(*args, **(kwargs or {}))
        return _with_made(func, args, kwargs)

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        """Of what compiled code calls past the above."""
        return _with_made(func, args, kwargs)


def _with_made(func: Callable, args: tuple, kwargs: dict | None):
    """The function's result for the tensors that deferred ones stand for."""

    def plain(value):
        return value.made() if isinstance(value, DeferredImages) else value

    return func(*tree_map(plain, args), **tree_map(plain, kwargs or {}))
