"""align.safetensors: a portrait's head as a driver moves it, and its depth in the picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import torch
from torch import Tensor

from magicportrait_core.flame.head_model import HeadModel
from magicportrait_core.flame.landmarks import ibug68
from magicportrait_core.flame.projection import project
from magicportrait_core.render import render_maps
from magicportrait_core.types import Camera, HeadTrack, MotionTrack
from tests.golden_head import golden_head
from tests.goldens.geometry_flame import params_of
from tests.goldens.registry import Family, GoldenFile
from tests.goldens.rows import Computed

INPUTS = ("src.*", "tar.*", "smirk.*", "in.*")


def compute(file: GoldenFile) -> Iterator[Computed]:
    """The transfer with its default settings, which are the paper's."""
    from magicportrait_core.flame.meshes import HeadMeshes
    from magicportrait_core.flame.transfer import transfer

    stored, head = file.tensors, golden_head(file.folder)
    size = tuple(stored["depth"].shape[2:]) if "depth" in stored else (512, 512)
    portrait, driver = (_track(stored, who, head, size) for who in ("src", "tar"))
    for who, track in (("src", portrait), ("tar", driver)):
        yield Computed(f"{who}_ffhq_center", _centre(_landmarks(track, head)))
    acted = replace(driver.params, expression=stored["smirk.exp"], jaw_pose=stored["smirk.jaw"])
    moved = transfer(MotionTrack(portrait, replace(driver, params=acted)), head)
    params = moved.params
    yield Computed("final.pose", torch.cat([params.global_pose, params.jaw_pose], 1))
    yield Computed("final.exp", params.expression)
    yield Computed("verts", head.vertices(params))
    yield Computed("landmarks2d", project(_landmarks(moved, head), moved.camera)[..., :2])
    meshes = HeadMeshes(moved, head, convention="reference")
    maps = render_maps(meshes, *size, mode="parity").frames([0])
    yield Computed.picture("depth", maps.depth)


def _track(
    stored: dict[str, Tensor], who: str, head: HeadModel, size: tuple[int, int]
) -> HeadTrack:
    """E_flame's codes of one picture as a track of one frame."""
    codes = {key: stored[f"{who}.{key}"] for key in ("shape", "exp", "pose", "cam", "tex", "light")}
    return HeadTrack(
        params=params_of(head, codes["shape"][0], codes["exp"][0], codes["pose"][0]),
        camera=Camera(codes["cam"][:, 0], codes["cam"][:, 1:]),
        texture=codes["tex"][0],
        lighting=codes["light"],
        crop_from_frame=stored[f"{who}.tform_crop"],
        valid=torch.ones(1, dtype=torch.bool),
        frame_size=size,
        fps=Fraction(25),
        tracker="deca_smirk",
    )


def _landmarks(track: HeadTrack, head: HeadModel) -> Tensor:
    """(1, 68, 3), model axes."""
    turns = head.shaped(track.params.shape).rotations(track.params)
    vertices = head.vertices(track.params)
    return ibug68(vertices, head.faces, head.landmarks, turns[:, 0], turns[:, 1])


def _centre(landmarks: Tensor) -> Tensor:
    """(1, 3) a tenth of the way from the eyes to the corners of the mouth."""
    eyes = (landmarks[:, 36:42].mean(1) + landmarks[:, 42:48].mean(1)) / 2
    mouth = (landmarks[:, 48] + landmarks[:, 54]) / 2
    return eyes + 0.1 * (mouth - eyes)


FAMILY = Family("align*.safetensors", compute, INPUTS)
