"""Meshes of a track: where they stand in the picture, at every size, for some frames only."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from safetensors.torch import load_file

from magicportrait_core.errors import InputError
from magicportrait_core.flame.meshes import HeadMeshes, motion_meshes
from magicportrait_core.flame.motion.placing import in_frame
from magicportrait_core.flame.transfer import transfer
from magicportrait_core.types import (
    Camera,
    HeadParams,
    HeadTrack,
    MotionTrack,
    TransferSettings,
)
from tests.small_head import small_track


def test_golden_screen_vertices(golden_head, goldens):
    """What the reference hands to its rasteriser: x and y negated, z moved to be positive."""
    stored = load_file(goldens / "geometry" / "render512.safetensors")
    meshes = HeadMeshes(_golden_track(golden_head, stored, "p1"), golden_head, None, "reference")
    found = meshes.meshes([0], 512, 512)
    expected = stored["p1.rast.verts_ndc"]
    assert (found.screen[..., :2] + expected[..., :2]).abs().max() < 2e-6
    shift = expected[..., 2] - found.screen[..., 2]
    assert shift.max() - shift.min() < 1e-5
    assert torch.equal(found.lighting, stored["p1.in.light"])


def _golden_track(head, stored, view):
    codes = {name: stored[f"{view}.in.{name}"] for name in ("shape", "exp", "pose", "cam", "tex")}
    params = replace(
        HeadParams.neutral(1, 100, 50, head.basis),
        shape=codes["shape"][0],
        expression=codes["exp"],
        global_pose=codes["pose"][:, :3],
        jaw_pose=codes["pose"][:, 3:],
    )
    return HeadTrack(
        params,
        Camera(codes["cam"][:, 0], codes["cam"][:, 1:]),
        codes["tex"][0],
        stored[f"{view}.in.light"],
        stored[f"{view}.in.tform_crop"],
        torch.ones(1, dtype=torch.bool),
        (512, 512),
        Fraction(25),
        "deca_smirk",
    )


def test_world_is_the_posed_head(small_head):
    track = small_track(4)
    found = HeadMeshes(track, small_head).meshes([2, 0], 240, 320)
    assert torch.equal(found.world, small_head.vertices(track.params[[2, 0]]))
    assert torch.equal(found.lighting, track.lighting[[2, 0]])


def test_exact_screen_is_by_pixel_centres(small_head):
    track = small_track(1)
    found = HeadMeshes(track, small_head).meshes([0], 240, 320)
    px = (found.screen[0, :, :2] + 1) / 2 * torch.tensor([320, 240]) - 0.5
    expected = in_frame(found.world[0], track[[0] * 62])
    assert torch.allclose(px, expected, atol=1e-3)


def test_a_point_by_hand(small_head):
    """Crop = frame, 224 px: the crop's middle is the picture's, pixel 111.5."""
    params = HeadParams.neutral(1, 1, 1, small_head.basis)
    track = replace(
        small_track(1),
        params=params,
        camera=Camera(torch.tensor([5.0]), torch.tensor([[0.1, 0.02]])),
        crop_from_frame=torch.eye(3)[None],
        frame_size=(224, 224),
    )
    found = HeadMeshes(track, small_head).meshes([0], 224, 224)
    crown = 60  # template (0, 0.12, 0)
    assert small_head.template[:, crown].tolist() == pytest.approx([0, 0.12, 0])
    x, y, z = found.screen[0, crown].tolist()
    assert (x, y, z) == pytest.approx((0.5, -0.7, 0), abs=1e-5)
    nose = found.screen[0, :, 2].argmin()
    assert found.world[0, nose, 2] == found.world[0, :, 2].max()


@pytest.mark.parametrize("convention", ["exact", "reference"])
def test_other_sizes_show_the_same(small_head, convention):
    meshes = HeadMeshes(small_track(2), small_head, None, convention)
    small, large = meshes.meshes([1], 120, 160), meshes.meshes([1], 480, 640)
    assert torch.equal(small.screen, large.screen)


def test_conventions_differ_by_half_a_pixel_of_crop_and_picture(small_head):
    track = small_track(1)
    exact, reference = (
        HeadMeshes(track, small_head, None, c).meshes([0], 240, 320).screen[0, :, :2]
        for c in ("exact", "reference")
    )
    px = (reference - exact) * torch.tensor([160.0, 120.0])
    zoom = track.crop_from_frame[0, 0, 0]
    assert torch.allclose(px, (0.5 / zoom - 0.5).expand(62, 2), atol=1e-3)


@pytest.mark.parametrize(
    ("height", "width", "fine"),
    [
        (240, 320, True),
        (241, 320, True),
        (100, 133, True),  # 133.3
        (240, 322, False),
        (240, 318, False),
        (256, 256, False),
        (0, 0, False),
    ],
)
def test_pictures_are_never_stretched(small_head, height, width, fine):
    meshes = HeadMeshes(small_track(1), small_head)
    if fine:
        assert meshes.meshes([0], height, width).screen.shape == (1, 62, 3)
    else:
        with pytest.raises(InputError, match=f"{width}x{height}"):
            meshes.meshes([0], height, width)


def test_what_a_sequence_has(small_head):
    meshes = HeadMeshes(small_track(3), small_head)
    assert len(meshes) == 3
    assert meshes.fps == 25
    assert torch.equal(meshes.faces, small_head.faces)
    assert torch.equal(meshes.uv_faces, small_head.uv_faces)
    assert torch.equal(meshes.uvs, small_head.uvs)
    assert meshes.albedo.shape == (3, 1, 1)
    texture = torch.rand(3, 8, 8)
    assert torch.equal(HeadMeshes(small_track(1), small_head, texture).albedo, texture)


def test_motion_is_carried_over(small_head):
    portrait, driver = small_track(1, seed=5, size=(64, 64)), small_track(6, seed=6)
    settings = TransferSettings(mode="relative", pivot="head", translation=1.0)
    motion = MotionTrack(portrait, driver, settings)
    meshes = motion_meshes(motion, small_head, convention="reference")
    expected = HeadMeshes(transfer(motion, small_head), small_head, None, "reference")
    assert len(meshes) == 6
    for name in ("world", "screen", "lighting"):
        found = getattr(meshes.meshes([4, 1], 64, 64), name)
        assert torch.equal(found, getattr(expected.meshes([4, 1], 64, 64), name)), name


@pytest.mark.parametrize("frames", [[3], [-1], [0, 5]])
def test_frames_that_are_not_there(small_head, frames):
    with pytest.raises(InputError, match="frames must be 0 to 2"):
        HeadMeshes(small_track(3), small_head).meshes(frames, 240, 320)


def test_what_does_not_fit_is_refused(small_head):
    track = small_track(1)
    with pytest.raises(InputError, match="head model"):
        HeadMeshes(track, replace(small_head, template=small_head.template * 2))
    with pytest.raises(InputError, match="exact"):
        HeadMeshes(track, small_head, None, "about")
    with pytest.raises(InputError, match="albedo must be"):
        HeadMeshes(track, small_head, torch.zeros(8, 8, 3, 1))
    with pytest.raises(InputError, match="no UVs"):
        HeadMeshes(track, replace(small_head, uvs=None), torch.zeros(3, 8, 8))
