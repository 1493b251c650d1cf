"""Meshes to maps: a rasteriser with the reference's rules, and depth, normal and shaded maps."""

from .landmark_mesh import landmark_mesh
from .maps import render_maps
from .quantise import image_to_normal, normal_to_image, quantised, to_bytes
from .rasterizer import BACKEND_NAMES, installed_backends, rasterize

__all__ = [
    "BACKEND_NAMES",
    "image_to_normal",
    "installed_backends",
    "landmark_mesh",
    "normal_to_image",
    "quantised",
    "rasterize",
    "render_maps",
    "to_bytes",
]
