"""A registration kept beside its head model, with a picture of it for the eye."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ...errors import InputError
from ...files import replacing
from ...weights.folders import Folders, folder_list
from ..head_model import Embedding, HeadModel
from ..landmarks import points_on_faces
from .registration import Registration, register, skin_faces

KIND, VERSION = "registration", "1"
_TENSORS = ("indices", "faces", "bary", "residual", "skull")
SIDE = 900  #: px of the picture
WORST = 0.006  #: metres of residual that are drawn reddest


def kept_registration(head: HeadModel, folder: Folders) -> Registration:
    """The head's registration: read from ``folder`` where it is kept, else computed and kept.

    Its file is named by the head's basis; beside it lies the picture of `draw_registration`. Of
    several folders the first that can be written to keeps it; where none can, it is computed every
    time. Raises InputError as `register` does.
    """
    name = f"{head.basis}.safetensors"
    paths = [place / "registrations" / name for place in folder_list(folder)]
    for path in paths:
        if (found := _read(path, head)) is not None:
            return found
    made = register(head)
    any(_kept(path, head, made) for path in paths)
    return made


def _kept(path: Path, head: HeadModel, made: Registration) -> bool:
    """Whether it could be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, head, made)
        picture = draw_registration(head, made).permute(1, 2, 0).numpy()
        with replacing(path.with_suffix(".png")) as temporary:
            Image.fromarray(picture).save(temporary, "PNG")
    except (OSError, InputError):
        return False
    return True


def draw_registration(head: HeadModel, registration: Registration) -> Tensor:
    """The head from the front with the points on it, green to red by residual, (3, s, s) uint8."""
    template = head.template.T
    low, high = template[:, :2].amin(0), template[:, :2].amax(0)
    scale = 0.94 * SIDE / float((high - low).max())
    middle = (low + high) / 2

    def to_px(points: Tensor) -> list[tuple[float, float]]:
        flat = (points[:, :2] - middle) * scale * torch.tensor([1.0, -1.0]) + SIDE / 2
        return [tuple(xy) for xy in flat.tolist()]

    image = Image.new("RGB", (SIDE, SIDE), "white")
    draw = ImageDraw.Draw(image)
    faces = head.faces[skin_faces(head)]
    corners = template[faces]
    normal = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    facing = torch.nn.functional.normalize(normal, dim=-1)[:, 2]
    for face in corners.mean(1)[:, 2].argsort().tolist():  # the nearest last
        if facing[face] > 0:
            draw.polygon(to_px(corners[face]), (round(90 + 150 * float(facing[face])),) * 3)
    at = points_on_faces(template[None], head.faces, registration.embedding)[0]
    worse = (registration.residual / WORST).clamp(0, 1).tolist()
    for (x, y), bad in zip(to_px(at), worse, strict=True):
        colour = (round(40 + 200 * bad), round(170 - 130 * bad), 60)
        draw.ellipse([x - 3, y - 3, x + 3, y + 3], fill=colour)
    pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    return pixels.reshape(SIDE, SIDE, 3).permute(2, 0, 1).contiguous()


def _read(path: Path, head: HeadModel) -> Registration | None:
    """What is kept, or None where it is not there, damaged, of another version or other parts."""
    if not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            if (metadata.get("kind"), metadata.get("format_version")) != (KIND, VERSION):
                return None
            indices, faces, bary, residual, skull = (file.get_tensor(n) for n in _TENSORS)
    except (SafetensorError, OSError):
        return None
    if metadata.get("laid_on") != _laid_on(head):
        return None
    return Registration(indices, Embedding(faces, bary), residual, skull)


def _write(path: Path, head: HeadModel, made: Registration) -> None:
    tensors = (
        *(made.indices, made.embedding.faces, made.embedding.bary),
        *(made.residual, made.skull),
    )
    metadata = {
        "kind": KIND,
        "format_version": VERSION,
        "head": head.name,
        "basis": head.basis,
        "laid_on": _laid_on(head),
        "residual_mm": f"{float(made.residual.mean()) * 1000:.2f}",
    }
    with replacing(path) as temporary:
        named = dict(zip(_TENSORS, (t.contiguous() for t in tensors), strict=True))
        save_file(named, temporary, metadata)


def _laid_on(head: HeadModel) -> str:
    """A digest of what a registration depends on besides the basis: it goes stale with them."""
    parts = [head.faces, head.skinning, *([] if head.skin is None else [head.skin])]
    if head.mesh_points is not None:
        indices, embedding = head.mesh_points
        parts += [indices, embedding.faces, embedding.bary]
    elif head.landmarks is not None:
        parts += [head.landmarks.full.faces, head.landmarks.full.bary]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
