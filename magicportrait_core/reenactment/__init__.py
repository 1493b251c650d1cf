"""The diffusion engine's whole run: track, crop, maps, fuse, denoise, decode, sound.

`settings` says what the user wants, `record` what the run's bytes depend on, `motion` finds
portrait and driver, `networks` loads the models, `beginning` gives latents to start from,
`previews` shows how far it is, and `run` puts them together in a run folder that resumes.
"""

from .run import reenact_diffusion
from .settings import DiffusionSettings, LoraChoice, reference_mode, transfer_of

__all__ = [
    "DiffusionSettings",
    "LoraChoice",
    "reenact_diffusion",
    "reference_mode",
    "transfer_of",
]
