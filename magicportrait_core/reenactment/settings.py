"""What the user asks of the diffusion engine."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from ..checks import check_choice, check_range
from ..diffusion.context_windows import PRESETS
from ..diffusion.lora.lora import MAX_STRENGTH
from ..diffusion.sampler import SampleSettings
from ..errors import InputError
from ..faces.framing import CROPS, SCALES, SIZES
from ..flame.library.library import AUTO
from ..motion.choice import MOTION_TRACKERS
from ..motion.head_pipeline import MapSettings
from ..preview import MotionSettings
from ..types import TransferSettings

DTYPES = (AUTO, "float32", "float16", "bfloat16")
LORA_TARGETS = ("both", "denoiser", "reference")
PREVIEW = "preview"  #: as ``init``: the preview engine makes the clip to start from
_CELL = 8  #: px of a picture for one of a latent


@dataclass(frozen=True)
class LoraChoice:
    """A LoRA and how strongly it acts."""

    file: Path
    strength: float = 1.0

    def __post_init__(self) -> None:
        what = f"the strength of {Path(self.file).name}"
        check_range(what, self.strength, -MAX_STRENGTH, MAX_STRENGTH)

    @staticmethod
    def parse(text: str) -> LoraChoice:
        """FILE or FILE:STRENGTH; a colon before what is no number belongs to the file's name."""
        name, colon, last = text.rpartition(":")
        if colon and name:
            try:
                return LoraChoice(Path(name), float(last))
            except ValueError:
                pass
        return LoraChoice(Path(text))


@dataclass(frozen=True)
class DiffusionSettings:
    """All that changes the clip, but for the portrait, the driver and the weights."""

    sampling: SampleSettings = field(default_factory=SampleSettings)
    transfer: TransferSettings = field(default_factory=TransferSettings)
    look: MapSettings = field(default_factory=MapSettings)  #: of the maps; their size is the crop's
    crop: str = "auto"  #: one of `faces.framing.CROPS`
    crop_scale: float = 1.0  #: above 1 shows more round the head
    size: int = 512  #: px a side of the clip; of its longer side at most, where crop is "none"
    tracker: str = AUTO  #: one of `motion.choice.MOTION_TRACKERS`
    head: str = AUTO  #: the head model's name
    dtype: str = AUTO  #: one of DTYPES; auto: float32 on the CPU, else float16
    loras: tuple[LoraChoice, ...] = ()
    lora_for: str = "both"  #: one of LORA_TARGETS
    init: str | Path | None = None  #: a clip to start from where sampling.denoise is below 1
    exact_weights: bool = False  #: official files go before a combined one of half precision

    def __post_init__(self) -> None:
        check_choice("crop", self.crop, CROPS)
        check_range("crop_scale", self.crop_scale, *SCALES)
        check_range("size", self.size, *SIZES)
        if self.size % _CELL:
            raise InputError(f"size must be a multiple of {_CELL} px, got {self.size}")
        check_choice("tracker", self.tracker, MOTION_TRACKERS)
        check_choice("dtype", self.dtype, DTYPES)
        check_choice("lora_for", self.lora_for, LORA_TARGETS)
        if (self.init is None) != (self.sampling.denoise == 1):
            raise InputError(
                "A clip to start from and a denoise below 1 go together: give both (--init and "
                "--denoise) or neither."
            )

    def dtype_on(self, device: torch.device) -> torch.dtype:
        """What the networks compute in."""
        if self.dtype == AUTO:
            return torch.float32 if device.type == "cpu" else torch.float16
        return getattr(torch, self.dtype)


def reference_mode(settings: DiffusionSettings) -> DiffusionSettings:
    """The choices of the paper's public code: its windows, its rounding, its maps, its weights."""
    sampling = replace(
        settings.sampling, windows=PRESETS["paper"], bank_dtype=torch.float16, sum_overlaps=True
    )
    look = replace(settings.look, mode="parity")
    return replace(settings, sampling=sampling, look=look, exact_weights=True)


def transfer_of(motion: MotionSettings, mode: str | None = None) -> TransferSettings:
    """The preview engine's gains as a head model takes them.

    mode: absolute (where None) or relative. Raises InputError for what no head model can do.
    """
    if motion.brows != 1 or motion.mirror:
        what = "a gain of the brows" if motion.brows != 1 else "a mirrored driver"
        raise InputError(f"The diffusion engine has no {what[2:]}: leave it out.")
    mode = mode or "absolute"
    if mode == "absolute_mouth":
        raise InputError(
            "absolute_mouth is a mode of the preview engine: with diffusion use absolute or "
            "relative."
        )
    return TransferSettings(
        expression=motion.expression,
        jaw=motion.expression * motion.mouth,
        eyelids=motion.expression * motion.eyes,
        yaw=motion.pose,
        pitch=motion.pose,
        roll=motion.pose,
        mode=mode,
        neutral_frame=motion.neutral_frame,
    )
