"""Light for meshes that come with none."""

from __future__ import annotations

import torch
from torch import Tensor

#: Soft white light from the front and a little from above, on heads whose axes are `types.head`'s:
#: rows are the spherical harmonics 1, x, y, z, xy, xz, yz, x²-y², 3z²-1.
_FRONT = (1.95, 0.0, 0.17, 0.41, 0.0, 0.0, 0.0, 0.0, 0.3)

#: (9, 3) RGB, a surface that faces the viewer is lit by about 1.1, one seen edge-on by 0.5.
FRONT_LIGHT: Tensor = torch.tensor(_FRONT)[:, None].repeat(1, 3)

#: (3, 1, 1) RGB 0..1, one colour for meshes without a texture.
SKIN: Tensor = torch.tensor([0.86, 0.70, 0.61])[:, None, None]
