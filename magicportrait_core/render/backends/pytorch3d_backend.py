"""PyTorch3D as an optional rasteriser: what the reference calls, and what the others are held to.

It is in no registry in a form that suits every torch, so it is installed by its own instructions:
https://github.com/facebookresearch/pytorch3d/blob/main/INSTALL.md
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...errors import InputError
from ...types import Fragments


def rasterize_pytorch3d(ndc: Tensor, faces: Tensor, height: int, width: int) -> Fragments:
    """See `render.rasterizer.rasterize`."""
    try:
        from pytorch3d.renderer.mesh.rasterize_meshes import rasterize_meshes
        from pytorch3d.structures import Meshes
    except ImportError as error:
        raise InputError(
            "The rasteriser pytorch3d needs the package pytorch3d, installed as its INSTALL.md "
            "says; or choose the rasteriser torch."
        ) from error
    meshes = Meshes(list(ndc), [faces] * len(ndc))
    pix_to_face, zbuf, bary, _ = rasterize_meshes(
        meshes,
        (height, width),
        blur_radius=0.0,
        faces_per_pixel=1,
        perspective_correct=False,
        clip_barycentric_coords=False,
        cull_backfaces=False,
    )
    packed = pix_to_face[..., 0]  # faces are counted through all meshes
    before = len(faces) * torch.arange(len(ndc), device=packed.device)[:, None, None]
    local = torch.where(packed < 0, packed, packed - before).int()
    return Fragments(local, bary[..., 0, :], zbuf[..., 0])
