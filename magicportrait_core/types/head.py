"""A head through a clip, as the parameters of a head model.

Head axes (FLAME's): x to the subject's left, y up, z out of the face. Rotations are axis-angle,
radians. A model's vertex X becomes a point of the crop by weak perspective:

    x = scale * (X.x + t.x)    y = -scale * (X.y + t.y)    z = -scale * X.z

in the crop's normalised coordinates: x right, y down, the crop spans -1..1, smaller z is nearer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import torch
from torch import Tensor

from ..checks import check_shape
from ..errors import InputError

CROP_SIZE = 224  #: px a side of the crop that a camera looks at


@dataclass(frozen=True)
class HeadParams:
    """Parameters of one head model, one shape for all frames."""

    shape: Tensor  #: (n_s,) identity coefficients, in standard deviations
    expression: Tensor  #: (t, n_e)
    global_pose: Tensor  #: (t, 3) rotation of the whole head about the model's root
    jaw_pose: Tensor  #: (t, 3); zero where the model has no jaw joint
    neck_pose: Tensor  #: (t, 3)
    eye_pose: Tensor  #: (t, 6) left eye, right eye
    eyelids: Tensor | None  #: (t, 2) left, right, 0 as they are, 1 closed; None: not tracked
    basis: str  #: id of the basis they belong to, `flame.head_model.HeadModel.basis`

    def __post_init__(self) -> None:
        t = check_shape("expression", self.expression, "t", "n_e")["t"]
        check_shape("shape", self.shape, "n_s")
        for name, width in (("global_pose", 3), ("jaw_pose", 3), ("neck_pose", 3), ("eye_pose", 6)):
            check_shape(name, getattr(self, name), t, width)
        if self.eyelids is not None:
            check_shape("eyelids", self.eyelids, t, 2)

    def __len__(self) -> int:
        return self.expression.shape[0]

    def __getitem__(self, frames: slice | Tensor | list[int]) -> HeadParams:
        """The same head in some of the frames."""
        pick = {name: getattr(self, name)[frames] for name in _PER_FRAME}
        return replace(self, **pick, eyelids=None if self.eyelids is None else self.eyelids[frames])

    def to(self, device: torch.device | str) -> HeadParams:
        """The same parameters on a device."""
        moved = {name: getattr(self, name).to(device) for name in ("shape", *_PER_FRAME)}
        return replace(
            self, **moved, eyelids=None if self.eyelids is None else self.eyelids.to(device)
        )

    @staticmethod
    def neutral(frames: int, n_s: int, n_e: int, basis: str) -> HeadParams:
        """The model's template, unturned, in every frame."""
        zeros = torch.zeros
        return HeadParams(
            zeros(n_s), zeros(frames, n_e), zeros(frames, 3), zeros(frames, 3), zeros(frames, 3),
            zeros(frames, 6), None, basis,
        )  # fmt: skip


_PER_FRAME = ("expression", "global_pose", "jaw_pose", "neck_pose", "eye_pose")


@dataclass(frozen=True)
class Camera:
    """Weak perspective, one a frame; see the top of this file."""

    scale: Tensor  #: (t,) crop units a model unit
    translation: Tensor  #: (t, 2) model units

    def __post_init__(self) -> None:
        t = check_shape("scale", self.scale, "t")["t"]
        check_shape("translation", self.translation, t, 2)

    def __len__(self) -> int:
        return self.scale.shape[0]

    def __getitem__(self, frames: slice | Tensor | list[int]) -> Camera:
        return Camera(self.scale[frames], self.translation[frames])

    def to(self, device: torch.device | str) -> Camera:
        """The same cameras on a device."""
        return Camera(self.scale.to(device), self.translation.to(device))


@dataclass(frozen=True)
class HeadTrack:
    """A head through a clip (t frames) or in a picture (t = 1)."""

    params: HeadParams
    camera: Camera
    texture: Tensor  #: (50,) coefficients of FLAME's texture space; zeros: its mean
    lighting: Tensor  #: (t, 9, 3) spherical harmonics, RGB
    crop_from_frame: Tensor  #: (t, 3, 3) px of the frame -> px of the crop, 0..CROP_SIZE
    valid: Tensor  #: (t,) bool, False where no face was seen and the frame is interpolated
    frame_size: tuple[int, int]  #: (h, w) px
    fps: Fraction
    tracker: str  #: which tracker made it, "deca_smirk" ...

    def __post_init__(self) -> None:
        t = len(self.params)
        if len(self.camera) != t:
            raise InputError(f"camera must have {t} frames, got {len(self.camera)}")
        check_shape("texture", self.texture, 50)
        check_shape("lighting", self.lighting, t, 9, 3)
        check_shape("crop_from_frame", self.crop_from_frame, t, 3, 3)
        check_shape("valid", self.valid, t)
        if self.valid.dtype != torch.bool:
            raise InputError(f"valid must be bool, got {self.valid.dtype}")
        if self.fps <= 0 or min(self.frame_size) <= 0:
            raise InputError(
                f"a track has a frame rate and a frame size, got {self.fps} and {self.frame_size}"
            )

    def __len__(self) -> int:
        return len(self.params)

    def __getitem__(self, frames: slice | Tensor | list[int]) -> HeadTrack:
        """The same head in some of the frames."""
        return replace(
            self, params=self.params[frames], camera=self.camera[frames],
            lighting=self.lighting[frames], crop_from_frame=self.crop_from_frame[frames],
            valid=self.valid[frames],
        )  # fmt: skip

    def to(self, device: torch.device | str) -> HeadTrack:
        """The same track on a device."""
        names = ("params", "camera", "texture", "lighting", "crop_from_frame", "valid")
        return replace(self, **{name: getattr(self, name).to(device) for name in names})
