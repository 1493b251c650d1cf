"""Make the workflows' pictures anew, with the tool: python .ci/graphs/thumbnails.py

They show what goes into the diffusion model, for no weights of it come with the package: the
example's portrait and driver, and the maps of the portrait wearing the motion.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from magicportrait_core.demo import demo_portrait_path, render_demo_driver
from magicportrait_core.faces.networks import load_networks
from magicportrait_core.faces.tracker import track_image
from magicportrait_core.motion.head_pipeline import MapSettings
from magicportrait_core.motion.maps_film import map_pictures
from magicportrait_core.motion.pipeline import motion_maps, track_motion
from magicportrait_core.pictures import to_float
from magicportrait_core.preview import FaceSliders, MotionSettings, edit_still, reenact_frames
from magicportrait_core.types import GeometryMaps
from magicportrait_core.video import open_image, open_video

FOLDER = Path(__file__).resolve().parents[2] / "workflows"
SIDE, GAP, PAPER = 320, 6, (22, 24, 29)
HEAD = (..., slice(2, 238), slice(112, 348))  #: rows, columns of the head in the shipped portrait


def picture(tensor: Tensor) -> Image.Image:
    """(3, h, w) uint8, or float 0..1."""
    if tensor.is_floating_point():
        tensor = (tensor * 255).round().clamp(0, 255).byte()
    image = Image.fromarray(tensor.permute(1, 2, 0).cpu().numpy())
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side)).resize((SIDE, SIDE))


def sheet(rows: list[list[Tensor]], name: str) -> None:
    wide, high = max(map(len, rows)), len(rows)
    size = (wide * (SIDE + GAP) - GAP, high * (SIDE + GAP) - GAP)
    paper = Image.new("RGB", size, PAPER)
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            paper.paste(picture(cell), (x * (SIDE + GAP), y * (SIDE + GAP)))
    paper.save(FOLDER / f"{name}.jpg", quality=86, optimize=True, progressive=True)


def maps_at(maps: GeometryMaps, frame: int) -> list[Tensor]:
    shown = map_pictures(maps.frames([frame]))
    return [shown[kind][0] for kind in ("depth", "normal", "render")]


def outlined(portrait: Tensor, corners: Tensor) -> Tensor:
    """The portrait with the crop's outline."""
    image = Image.fromarray((portrait * 255).byte().permute(1, 2, 0).numpy())
    points = [tuple(map(float, point)) for point in corners]
    ImageDraw.Draw(image).line([*points, points[0]], (255, 196, 0), 3)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


def main() -> None:
    networks = load_networks()
    portrait = to_float(open_image(demo_portrait_path()))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "driver.mp4"
        render_demo_driver(path, networks)
        clip = open_video(path)
        frames = [frame.image[HEAD] for frame in clip]
        tracked = track_motion(clip, portrait, None, networks=networks)
    motion, crop = tracked.motion, tracked.portrait.picture
    own = track_image(open_image(demo_portrait_path()), networks)
    driven = reenact_frames(portrait, own, motion.driver, MotionSettings())
    moved = torch.cat(list(driven))[HEAD]
    yaw = motion.driver.landmarks[:, 1, 0] - motion.driver.landmarks[:, [234, 454], 0].mean(1)
    turned = int(yaw.abs().argmax())
    lips = (motion.driver.landmarks[:, 14] - motion.driver.landmarks[:, 13]).norm(dim=-1)
    opened = int(lips.argmax())
    maps = motion_maps(motion, None)
    still = motion_maps(replace(motion, settings=motion.settings.expression_alone()), None)
    clipwide = motion_maps(motion, None, MapSettings(depth_range="clip"))

    def films(frame: int, of: GeometryMaps) -> list[list[Tensor]]:
        return [[crop, frames[frame]], maps_at(of, frame)[:2]]

    sheet(films(turned, maps), "02_full_reenactment")
    sheet([[crop, frames[opened]], [moved[opened], maps_at(maps, opened)[1]]], "03_preview_refined")
    sheet(films(turned, still), "04_expression_only")
    sheet(films(opened, maps), "05_lora")
    corners = torch.linalg.inv(motion.portrait_from_source.double())
    size = crop.shape[-1]
    ends = torch.tensor([[0, 0, 1], [size, 0, 1], [size, size, 1], [0, size, 1]]).double()
    box = (ends @ corners.T)[:, :2]
    sheet([[outlined(portrait, box), crop], maps_at(maps, opened)[1:]], "06_upscale_and_paste_back")
    depths = [maps_at(clipwide, f)[0] for f in (0, turned, opened, len(frames) - 12)]
    sheet([depths[:2], depths[2:]], "07_maps_into_controlnet")
    sheet([[frames[opened], maps_at(maps, opened)[0]], maps_at(maps, opened)[1:]], "08_ksampler")
    edits = ({}, {"yaw": 20}, {"blink": 1}, {"mouth": 0.8})
    posed = [edit_still(portrait, own, FaceSliders(**edit))[HEAD] for edit in edits]
    sheet([posed[:2], posed[2:]], "09_still_editor")
    flipped = [moved[turned], moved[turned].flip(-1)]
    sheet([[frames[turned], frames[opened]], flipped], "10_many_portraits")


if __name__ == "__main__":
    main()
