"""render*.safetensors: codes to maps, for any prefix, size and aspect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import torch
from torch import Tensor

from magicportrait_core.flame.head_model import HeadModel
from magicportrait_core.flame.importers.texture import convert_texture
from magicportrait_core.flame.landmarks import ibug68, points_on_faces
from magicportrait_core.flame.projection import crop_to_picture, project
from magicportrait_core.flame.texture import albedo
from magicportrait_core.render import rasterize, render_maps
from magicportrait_core.render.camera import to_ndc
from magicportrait_core.render.shading import SH_FACTORS
from magicportrait_core.render.surface import Surface
from magicportrait_core.types import (
    CROP_SIZE,
    Camera,
    Fragments,
    HeadParams,
    MeshBatch,
    MeshSequence,
)
from tests.golden_head import golden_head, official_texture
from tests.goldens.geometry_flame import params_of
from tests.goldens.registry import Family, GoldenFile
from tests.goldens.rows import PIXELS_OFF, Computed

INPUTS = ("*.in.*", "in.*")
#: z that the reference's second pass adds to its first one's
SECOND_PASS = 10.0
#: of maps, behind their prefix: channels first
PICTURES = ("depth_images", "normal_images", "rendered_images", "alpha_images", "albedo_images")
#: channels last, or none
BUFFERS = ("grid", "rast.pix_to_face", "rast.zbuf", "rast.bary", "rast.zbuf_depthpass")


@dataclass
class OneMesh(MeshSequence):
    """A mesh that stands in a picture, with a texture."""

    batch: MeshBatch
    head: HeadModel
    albedo: Tensor
    fps: Fraction = Fraction(25)

    def __post_init__(self) -> None:
        self.faces, self.uvs, self.uv_faces = self.head.faces, self.head.uvs, self.head.uv_faces

    def __len__(self) -> int:
        return 1

    def meshes(self, frames: Sequence[int], height: int, width: int) -> MeshBatch:
        return self.batch


@dataclass(frozen=True)
class Scene:
    """One prefix of a file: a posed head, where its camera sees it, where the picture does."""

    head: HeadModel
    params: HeadParams
    camera: Camera
    crop: Tensor | None  #: (1, 3, 3); None: the picture is the crop
    light: Tensor  #: (1, 9, 3)
    albedo: Tensor  #: (3, 256, 256)
    height: int
    width: int

    @property
    def size(self) -> tuple[int, int]:
        return self.height, self.width

    def landmarks(self, vertices: Tensor) -> Tensor:
        """(1, 68, 3) with the wandering contour, model axes."""
        turns = self.head.shaped(self.params.shape).rotations(self.params)
        return ibug68(vertices, self.head.faces, self.head.landmarks, turns[:, 0], turns[:, 1])

    def screen(self, vertices: Tensor) -> Tensor:
        seen = project(vertices, self.camera)
        if self.crop is None:
            return seen
        return crop_to_picture(seen, self.crop, self.height, self.width)


def compute(file: GoldenFile) -> Iterator[Computed]:
    """Everything, prefix by prefix."""
    suffix = "in.cam"
    for name in file.tensors:
        if name == suffix or name.endswith("." + suffix):
            prefix = name.removesuffix(suffix)
            rows = [_row(file, prefix, i) for i in range(len(file.tensors[name]))]
            made = [_prefix(row, prefix, _scene(row, prefix)) for row in rows]
            for parts in zip(*made, strict=True):
                yield replace(parts[0], value=torch.cat([part.value for part in parts]))


def _row(file: GoldenFile, prefix: str, row: int) -> GoldenFile:
    """The file with one row of each of the prefix's tensors."""
    own = {k: t[row : row + 1] for k, t in file.tensors.items() if k.startswith(prefix)}
    return replace(file, tensors=own)


def _scene(file: GoldenFile, prefix: str) -> Scene:
    stored, head = file.tensors, golden_head(file.folder)
    codes = {key: stored[f"{prefix}in.{key}"] for key in ("shape", "exp", "pose", "cam")}
    texture = convert_texture(*official_texture(file.folder))
    tex = stored.get(f"{prefix}in.tex", torch.zeros(1, 50))
    height, width = _size(file, prefix)
    return Scene(
        head,
        params_of(head, codes["shape"][0], codes["exp"][0], codes["pose"][0]),
        Camera(codes["cam"][:, 0], codes["cam"][:, 1:]),
        _crop(stored, prefix),
        stored.get(f"{prefix}in.light", torch.zeros(1, 9, 3)),
        albedo(texture, tex[0]),
        height,
        width,
    )


def _crop(stored: dict[str, Tensor], prefix: str) -> Tensor | None:
    """px of the picture -> px of the crop; the reference passes on its inverse, transposed."""
    back = stored.get(f"{prefix}in.tform")
    if f"{prefix}in.tform_crop" in stored or back is None:
        return stored.get(f"{prefix}in.tform_crop")
    return torch.linalg.inv(back.mT)


def _size(file: GoldenFile, prefix: str) -> tuple[int, int]:
    """Height and width, from any of the prefix's maps; without one nothing is rendered."""
    for names, rows in ((PICTURES, 2), (BUFFERS, 1)):
        for name in names:
            if f"{prefix}{name}" in file.tensors:
                return tuple(file.tensors[f"{prefix}{name}"].shape[rows : rows + 2])
    return CROP_SIZE, CROP_SIZE


def _prefix(file: GoldenFile, prefix: str, scene: Scene) -> Iterator[Computed]:
    vertices = scene.head.vertices(scene.params)
    screen = scene.screen(vertices)
    ndc = to_ndc(screen, scene.height, scene.width)
    full = points_on_faces(vertices, scene.head.faces, scene.head.landmarks.full)
    flat = project(scene.landmarks(vertices), scene.camera)
    # where the picture is the crop, the reference's second pass has moved these z
    seen = project(vertices, scene.camera)
    if scene.crop is None:
        seen = torch.cat([seen[..., :2], ndc[..., 2:]], -1)
    yield Computed(f"{prefix}verts", vertices)
    yield Computed(f"{prefix}landmarks2d", flat[..., :2])
    yield Computed(f"{prefix}landmarks3d", project(full, scene.camera))
    yield Computed(f"{prefix}trans_verts", seen)
    yield Computed(f"{prefix}flametex_albedo", scene.albedo[None])
    yield Computed(f"{prefix}rast.verts_ndc", ndc)
    yield from _maps(prefix, scene, MeshBatch(vertices, screen, scene.light))
    given = file.tensors.get(f"{prefix}rast.verts_ndc")
    fragments = rasterize(ndc if given is None else given, scene.head.faces, *scene.size)
    yield from _fragments(prefix, scene, fragments, PIXELS_OFF if given is None else 0)


def _maps(prefix: str, scene: Scene, batch: MeshBatch) -> Iterator[Computed]:
    sequence = OneMesh(batch, scene.head, scene.albedo)
    maps = render_maps(sequence, *scene.size, mode="parity").frames([0])
    yield Computed.picture(f"{prefix}depth_images", maps.depth)
    yield Computed.picture(f"{prefix}normal_images", maps.normal)
    yield Computed.picture(f"{prefix}rendered_images", maps.render)
    yield Computed.picture(f"{prefix}alpha_images", maps.mask)
    white = torch.zeros(1, 9, 3)
    white[:, 0] = 1 / SH_FACTORS[0]  # light that is 1 everywhere
    even = OneMesh(MeshBatch(batch.world, batch.screen, white), scene.head, scene.albedo)
    lit = render_maps(even, *scene.size, mode="parity").frames([0])
    yield Computed.picture(f"{prefix}albedo_images", lit.render)


def _fragments(prefix: str, scene: Scene, seen: Fragments, faces_off: int) -> Iterator[Computed]:
    """What the rasteriser sees. From the very vertices of the reference it sees the very faces."""
    empty = seen.pix_to_face < 0
    yield Computed.buffer(f"{prefix}rast.pix_to_face", seen.pix_to_face, faces_off)
    yield Computed.buffer(f"{prefix}rast.zbuf", seen.zbuf)
    yield Computed.buffer(f"{prefix}rast.bary", seen.bary)
    nearer = SECOND_PASS * seen.bary.sum(-1)  # weights add up to a little less than 1
    first = torch.where(empty, seen.zbuf, seen.zbuf - nearer)
    yield Computed.buffer(f"{prefix}rast.zbuf_depthpass", first)
    surface = Surface.of(OneMesh(None, scene.head, scene.albedo), torch.device("cpu"))
    corners = surface.uv.view(2, 3, -1)[..., seen.pix_to_face.clamp(min=0).long()]
    uv = (corners.permute(2, 3, 4, 1, 0) * seen.bary[..., None]).sum(-2)
    yield Computed.buffer(f"{prefix}grid", torch.where(empty[..., None], 0.0, uv))


FAMILY = Family("render*.safetensors", compute, INPUTS)
