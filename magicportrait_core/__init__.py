"""MagicPortrait: face reenactment. This package runs without ComfyUI."""

__version__ = "0.1.0"
