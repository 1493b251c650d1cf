"""The paper's alignment, and gains beyond it, at both ends and in between."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from safetensors.torch import load_file

from magicportrait_core.errors import InputError
from magicportrait_core.flame.landmarks import ibug68
from magicportrait_core.flame.lbs import rotation_matrix
from magicportrait_core.flame.motion.readout import head_angles
from magicportrait_core.flame.rotations import from_euler
from magicportrait_core.flame.transfer import transfer
from magicportrait_core.types import (
    Camera,
    HeadParams,
    HeadTrack,
    MotionTrack,
    TransferSettings,
)
from tests.small_head import small_track
from tests.transfers import ALL, NAMES, STILL, angle_between, run


def test_golden_alignment(golden_head, goldens):
    stored = load_file(goldens / "geometry" / "align.safetensors")
    track = transfer(_golden_motion(golden_head, stored), golden_head)
    pose = torch.cat([track.params.global_pose, track.params.jaw_pose], 1)
    assert torch.equal(pose, stored["final.pose"])
    assert torch.equal(track.params.expression, stored["final.exp"])
    vertices = golden_head.vertices(track.params)
    assert (vertices - stored["verts"]).norm() / stored["verts"].norm() <= 1e-5
    points = ibug68(
        vertices,
        golden_head.faces,
        golden_head.landmarks,
        rotation_matrix(track.params.global_pose),
        rotation_matrix(track.params.neck_pose),
    )
    seen = track.camera.scale[:, None, None] * (points[..., :2] + track.camera.translation[:, None])
    seen = seen * torch.tensor([1.0, -1.0])
    assert (seen - stored["landmarks2d"]).norm() / stored["landmarks2d"].norm() <= 1e-5
    assert torch.equal(track.crop_from_frame, stored["src.tform_crop"])
    assert torch.equal(track.lighting, stored["src.light"])
    assert torch.equal(track.texture, stored["src.tex"][0])


def _golden_motion(head, stored):
    def track(prefix, expression, jaw):
        params = HeadParams.neutral(1, 100, 50, head.basis)
        params = replace(
            params,
            shape=stored[f"{prefix}.shape"][0],
            expression=expression,
            global_pose=stored[f"{prefix}.pose"][:, :3],
            jaw_pose=jaw,
        )
        cam = stored[f"{prefix}.cam"]
        return HeadTrack(
            params,
            Camera(cam[:, 0], cam[:, 1:]),
            stored[f"{prefix}.tex"][0],
            stored[f"{prefix}.light"],
            stored[f"{prefix}.tform_crop"],
            torch.ones(1, dtype=torch.bool),
            (512, 512),
            Fraction(25),
            "deca_smirk",
        )

    source = track("src", stored["src.exp"], stored["src.pose"][:, 3:])
    return MotionTrack(source, track("tar", stored["smirk.exp"], stored["smirk.jaw"]))


def test_defaults_take_the_drivers_motion_and_nothing_else(portrait, driver, small_head):
    track = run(portrait, driver, small_head)
    for name in ("expression", "global_pose", "jaw_pose", "eyelids"):
        assert torch.equal(getattr(track.params, name), getattr(driver.params, name)), name
    for name in ("neck_pose", "eye_pose"):
        own = getattr(portrait.params, name).expand(9, -1)
        assert torch.equal(getattr(track.params, name), own), name
    assert torch.equal(track.params.shape, portrait.params.shape)
    assert torch.equal(track.camera.translation, portrait.camera.translation.expand(9, 2))
    assert torch.equal(track.camera.scale, portrait.camera.scale.expand(9))
    assert torch.equal(track.crop_from_frame, portrait.crop_from_frame.expand(9, 3, 3))
    assert track.frame_size == (512, 384)
    assert track.fps == driver.fps
    assert len(track) == 9


@pytest.mark.parametrize("mode", ["absolute", "relative"])
def test_at_no_gain_the_portrait_keeps_itself(portrait, driver, small_head, mode):
    track = run(portrait, driver, small_head, mode=mode, **STILL)
    for name in NAMES:
        own = getattr(portrait.params, name).expand(9, -1)
        assert torch.equal(getattr(track.params, name), own), name


def test_at_full_gain_the_driver_comes_through(portrait, driver, small_head):
    track = run(portrait, driver, small_head, **ALL)
    for name in NAMES:
        assert torch.equal(getattr(track.params, name), getattr(driver.params, name)), name


def test_frames_are_those_asked_for(portrait, driver, small_head):
    settings = {"mode": "relative", "translation": 1.0, "pivot": "head"}
    whole = run(portrait, driver, small_head, **settings)
    some = run(portrait, driver, small_head, frames=[7, 0, 3], **settings)
    assert torch.allclose(some.params.expression, whole.params.expression[[7, 0, 3]])
    assert torch.allclose(some.camera.translation, whole.camera.translation[[7, 0, 3]])
    with pytest.raises(InputError, match="0 to 8, got 9"):
        run(portrait, driver, small_head, frames=[9])


def test_each_angle_has_its_gain(portrait, driver, small_head):
    own, acted = head_angles(portrait), head_angles(driver)
    track = run(portrait, driver, small_head, yaw=0.0, pitch=1.0, roll=0.5)
    yaw, pitch, roll = head_angles(track)
    assert (yaw - own[0]).abs().max() < 1e-3
    assert (pitch - acted[1]).abs().max() < 1e-3
    assert (roll - (own[2] + acted[2]) / 2).abs().max() < 1e-3


def test_angles_take_the_short_way(portrait, small_head):
    def at(track, yaw):
        pose = from_euler(torch.tensor([yaw]), torch.zeros(1), torch.zeros(1))
        return replace(track, params=replace(track.params, global_pose=pose))

    track = run(at(portrait, 170.0), at(portrait, -170.0), small_head, yaw=0.5, pitch=0, roll=0)
    assert head_angles(track)[0].abs() == pytest.approx(180, abs=0.01)


@pytest.mark.parametrize("mode", ["absolute", "relative"])
def test_numbers_in_between(portrait, driver, small_head, mode):
    given = {"mode": mode, "neutral_frame": 4, "expression": 0.3}
    track = run(portrait, driver, small_head, **given)
    own, acted = portrait.params.expression, driver.params.expression
    start = own if mode == "absolute" else acted[4]
    assert torch.allclose(track.params.expression, own + 0.3 * (acted - start), atol=1e-6)


@pytest.mark.parametrize("name", ["jaw", "neck", "gaze"])
def test_joints_in_between_lie_on_the_sphere(portrait, driver, small_head, name):
    field = {"jaw": "jaw_pose", "neck": "neck_pose", "gaze": "eye_pose"}[name]
    shake = 0.2 * torch.randn(9, 3, generator=torch.Generator().manual_seed(5))
    driver = replace(driver, params=replace(driver.params, neck_pose=shake))
    track = run(portrait, driver, small_head, **{name: 0.25})
    own, acted = getattr(portrait.params, field)[:, :3], getattr(driver.params, field)[:, :3]
    found = getattr(track.params, field)[:, :3]
    whole = angle_between(own, acted)
    assert (angle_between(own, found) - whole / 4).abs().max() < 0.01
    assert (angle_between(found, acted) - whole * 3 / 4).abs().max() < 0.01


def test_pose_alone_and_expression_alone(portrait, driver, small_head):
    pose = run(portrait, driver, small_head, **vars(TransferSettings().pose_alone()))
    face = run(portrait, driver, small_head, **vars(TransferSettings().expression_alone()))
    assert torch.equal(pose.params.global_pose, driver.params.global_pose)
    assert torch.equal(face.params.expression, driver.params.expression)
    assert torch.equal(face.params.jaw_pose, driver.params.jaw_pose)
    assert torch.equal(face.params.global_pose, portrait.params.global_pose.expand(9, 3))
    for name in ("expression", "jaw_pose", "eyelids", "eye_pose"):
        own = getattr(portrait.params, name).expand(9, -1)
        assert torch.equal(getattr(pose.params, name), own), name


def test_lengths_may_differ(portrait, driver, small_head):
    short = replace(
        driver, params=replace(driver.params, expression=driver.params.expression[:, :2])
    )
    track = run(portrait, short, small_head, expression=0.5)
    assert track.params.expression.shape == (9, 5)
    assert torch.allclose(track.params.expression[:, 4], portrait.params.expression[:, 4] / 2)


def test_inputs_are_left_alone(small_head):
    portrait, driver = small_track(1, seed=1), small_track(5, seed=2)
    run(portrait, driver, small_head, mode="relative", translation=1.0, pivot="head", jaw=0.5)
    for track, again in (
        (portrait, small_track(1, seed=1)),
        (driver, small_track(5, seed=2)),
    ):
        assert torch.equal(track.params.jaw_pose, again.params.jaw_pose)
        assert torch.equal(track.camera.translation, again.camera.translation)


def test_another_basis_is_refused(portrait, driver, small_head):
    other = replace(small_head, template=small_head.template * 1.01)
    with pytest.raises(InputError, match=r"the portrait's parameters belong to head model"):
        run(portrait, driver, other)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"expression": 9.0}, "gain expression"),
        ({"translation": float("nan")}, "gain translation"),
        ({"mode": "half"}, "absolute, relative"),
        ({"pivot": "chin"}, "root, head"),
        ({"neutral_frame": -1}, "whole number from 0, got -1"),
        ({"neutral_frame": 1.5}, "whole number from 0, got 1.5"),
    ],
)
def test_settings_are_checked(settings, says):
    with pytest.raises(InputError, match=says):
        TransferSettings(**settings)
