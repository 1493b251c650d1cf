"""The tiny diffusion models, in a folder."""

from tests.made_models import folder, made, models

__all__ = ["folder", "made", "models"]
