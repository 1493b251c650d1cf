"""Which face each pixel sees: the contract, and who fulfils it.

The rules are those of PyTorch3D with blur 0, one face a pixel and no perspective correction, as the
reference calls it (https://github.com/facebookresearch/pytorch3d, ``rasterize_meshes``):

- Pixel centres lie at 1-(2i+1)/size of the shorter side, x left and y up; see `render.camera`.
- A face covers a centre that lies within its bounds and strictly inside its three edges: a centre
  on an edge belongs to nobody. Both sides of a face are drawn.
- Faces of area (twice the triangle's, in these coordinates) up to 1e-8, and faces with a corner
  nearer than z = 1e-8, are not drawn.
- Barycentric weights are edge / (area + 1e-8): they add up to a little less than 1 and stay so.
- The smallest depth wins; of equal ones the lowest face.

Everything is float32 in one order of operations, so that every backend finds the same face.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import torch
from torch import Tensor

from ..checks import check_choice, check_indices, check_shape, check_size
from ..errors import InputError
from ..types import Fragments
from .backends.empty import empty_fragments
from .backends.numba_backend import rasterize_numba
from .backends.plain_backend import rasterize_plain
from .backends.pytorch3d_backend import rasterize_pytorch3d
from .backends.torch_backend import rasterize_torch


@dataclass(frozen=True)
class Backend:
    """One way to rasterise."""

    run: Callable[[Tensor, Tensor, int, int], Fragments]  #: (ndc, faces, height, width)
    package: str  #: what has to be installed


#: The default first.
BACKENDS = {
    "torch": Backend(rasterize_torch, "torch"),
    "numba": Backend(rasterize_numba, "numba"),
    "pytorch3d": Backend(rasterize_pytorch3d, "pytorch3d"),
    "plain": Backend(rasterize_plain, "torch"),
}
BACKEND_NAMES = ("auto", *BACKENDS)


def installed_backends() -> list[str]:
    """Names of the backends that can run here, the default first, the slow twin last."""
    return [name for name, backend in BACKENDS.items() if find_spec(backend.package)]


def rasterize(
    ndc: Tensor, faces: Tensor, height: int, width: int, backend: str = "auto"
) -> Fragments:
    """The nearest face of each pixel.

    Args:
        ndc: (n, v, 3) float32, see `render.camera.to_ndc`.
        faces: (f, 3) int64 into v.
        height, width: of the pictures, px.
        backend: one of BACKEND_NAMES; auto is torch, which runs everywhere.

    Returns:
        Fragments of n pictures, on ndc's device.

    Raises InputError for another backend, one that is not installed, wrong shapes, sizes that are
    no whole numbers from 1, coordinates that are not finite and faces that are no whole numbers or
    name vertices that do not exist.
    """
    check_choice("backend", backend, BACKEND_NAMES)
    v = check_shape("ndc", ndc, "n", "v", 3)["v"]
    check_shape("faces", faces, "f", 3)
    check_indices("faces", faces, v)
    check_size("a picture", height, width)
    if not torch.isfinite(ndc).all():
        raise InputError("a mesh's coordinates must be finite numbers")
    if not len(faces) or not len(ndc):
        return empty_fragments(len(ndc), height, width, ndc.device)
    run = BACKENDS["torch" if backend == "auto" else backend].run
    return run(ndc.detach().float(), faces.long(), int(height), int(width))
