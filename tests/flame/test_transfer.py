"""The paper's alignment, and every setting beyond it, at both ends and in between."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from safetensors.torch import load_file

from magicportrait_core.errors import InputError
from magicportrait_core.flame.landmarks import ibug68
from magicportrait_core.flame.lbs import rotation_matrix
from magicportrait_core.flame.placing import head_width, in_frame, moved, pivot_points
from magicportrait_core.flame.readout import head_angles
from magicportrait_core.flame.rotations import axis_angle, from_euler
from magicportrait_core.flame.transfer import transfer
from magicportrait_core.types import (
    Camera,
    HeadParams,
    HeadTrack,
    MotionTrack,
    TransferSettings,
)
from tests.small_head import small_track

STILL = dict.fromkeys(("expression", "jaw", "eyelids", "yaw", "pitch", "roll"), 0.0)
ALL = {"gaze": 1.0, "neck": 1.0}
NAMES = ("expression", "global_pose", "jaw_pose", "neck_pose", "eye_pose", "eyelids")


@pytest.fixture(scope="module")
def portrait():
    return small_track(1, seed=1, size=(512, 384))


@pytest.fixture(scope="module")
def driver():
    return small_track(9, seed=2)


def run(portrait, driver, small_head, frames=None, **settings):
    return transfer(MotionTrack(portrait, driver, TransferSettings(**settings)), small_head, frames)


def turn(track, rotation, side):
    """The track with every global pose turned by ``rotation`` (3, 3) on one side."""
    poses = rotation_matrix(track.params.global_pose)
    poses = rotation @ poses if side == "left" else poses @ rotation
    return replace(track, params=replace(track.params, global_pose=axis_angle(poses)))


def angle_between(a, b):
    """Degrees (t,) between axis-angle rotations."""
    between = axis_angle(rotation_matrix(a).mT @ rotation_matrix(b))
    return torch.rad2deg(between.norm(dim=-1))


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


def test_relative_at_rest_is_the_portrait(portrait, driver, small_head):
    track = run(portrait, driver, small_head, mode="relative", neutral_frame=3, **ALL)
    for name in NAMES:
        own, found = getattr(portrait.params, name)[0], getattr(track.params, name)[3]
        assert torch.allclose(found, own, atol=1e-6), name


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("gains", [{}, {"yaw": 0.4, "pitch": 1.3, "roll": 0.0}])
def test_a_turned_neutral_does_not_leak(portrait, driver, small_head, axis, gains):
    """The driver's clip seen by a camera 20 degrees aside gives the same performance."""
    camera = rotation_matrix(torch.deg2rad(torch.tensor(20.0)) * torch.eye(3)[axis])
    given = {"mode": "relative", "neutral_frame": 0, **gains}
    track = run(portrait, driver, small_head, **given)
    aside = run(portrait, turn(driver, camera, "left"), small_head, **given)
    assert angle_between(track.params.global_pose, aside.params.global_pose).max() < 0.01


def test_a_nod_of_a_turned_driver_is_a_nod(portrait, small_head):
    """A driver 20 degrees aside nods about its own ears: a frontal portrait does so too."""
    aside = torch.tensor([[20.0, 0.0, 0.0]] * 2).T
    nod = from_euler(torch.zeros(2), torch.tensor([0.0, 15.0]), torch.zeros(2))
    poses = axis_angle(rotation_matrix(from_euler(*aside)) @ rotation_matrix(nod))
    driver = small_track(2)
    driver = replace(driver, params=replace(driver.params, global_pose=poses))
    front = replace(portrait, params=replace(portrait.params, global_pose=torch.zeros(1, 3)))
    track = run(front, driver, small_head, mode="relative", neutral_frame=0)
    angles = torch.stack(head_angles(track))
    assert torch.allclose(angles[:, 0], torch.zeros(3), atol=1e-3)
    assert torch.allclose(angles[:, 1], torch.tensor([0.0, 15.0, 0.0]), atol=1e-3)


def test_relative_is_the_composed_rotation(portrait, driver, small_head):
    track = run(portrait, driver, small_head, mode="relative", neutral_frame=2)
    r = rotation_matrix
    poses = r(driver.params.global_pose)
    expected = r(portrait.params.global_pose) @ poses[2].T @ poses
    assert torch.allclose(r(track.params.global_pose), expected, atol=1e-5)


def test_jaws_do_not_close_further_than_shut(portrait, driver, small_head):
    closing = driver.params.jaw_pose.clone()
    closing[0] = torch.tensor([0.3, 0, 0])
    closing[1:] = torch.tensor([0.0, 0, 0])
    driver = replace(driver, params=replace(driver.params, jaw_pose=closing))
    shut = replace(portrait, params=replace(portrait.params, jaw_pose=torch.zeros(1, 3)))
    track = run(shut, driver, small_head, mode="relative", neutral_frame=0)
    assert track.params.jaw_pose[:, 0].min() >= 0
    below = replace(driver, params=replace(driver.params, jaw_pose=closing - 0.05))
    assert torch.equal(run(shut, below, small_head).params.jaw_pose, closing - 0.05)


def _with_lids(track, lids):
    return replace(track, params=replace(track.params, eyelids=lids))


def test_relative_blinks_shut_the_eyes(portrait, driver, small_head):
    lids = torch.tensor([0.3, 0.65, 1.0, 0.1]).repeat(2, 1).T.contiguous()
    acted = _with_lids(driver[:4], lids)
    for own in (0.0, 0.2, 0.5):
        mine = _with_lids(portrait, torch.full((1, 2), own))
        track = run(mine, acted, small_head, mode="relative", neutral_frame=0)
        half, wide = own + (1 - own) / 2, max(own - 0.2, 0)
        expected = torch.tensor([own, half, 1.0, wide])
        assert torch.allclose(track.params.eyelids[:, 0], expected, atol=1e-6)


@pytest.mark.parametrize("mode", ["absolute", "relative"])
def test_eyelids_that_were_not_tracked(portrait, driver, small_head, mode):
    none, nobody = _with_lids(portrait, None), _with_lids(driver, None)
    assert run(none, nobody, small_head, mode=mode).params.eyelids is None
    assert run(none, driver, small_head, mode=mode, eyelids=0.0).params.eyelids is None
    assert run(none, driver, small_head, mode=mode).params.eyelids.shape == (9, 2)
    kept = run(portrait, nobody, small_head, mode=mode).params.eyelids
    assert torch.equal(kept, portrait.params.eyelids.expand(9, 2))


def test_pivot_head_holds_the_point_between_the_eyes(portrait, driver, small_head):
    home = in_frame(pivot_points(portrait.params, small_head, "head"), portrait)

    def way(**settings):
        track = run(portrait, driver, small_head, **settings)
        return (in_frame(pivot_points(track.params, small_head, "head"), track) - home).norm(dim=-1)

    assert way(pivot="head").max() < 1e-3
    assert way(pivot="root").max() > 5  # px: the swing about the neck


def test_the_point_between_the_eyes_is_where_the_mesh_has_it(portrait, small_head):
    """Joints placed without vertices lie where posing the whole head puts them."""
    placed = small_head.shaped(portrait.params.shape).posed(portrait.params)[1]
    found = pivot_points(portrait.params, small_head, "head")
    assert torch.allclose(found, placed[:, 3:].mean(1), atol=1e-6)
    calm = replace(portrait.params, expression=torch.zeros(1, 5))
    placed = small_head.shaped(calm.shape).posed(calm)[1]
    found = pivot_points(portrait.params, small_head, "root")
    assert torch.allclose(found, placed[:, 0], atol=1e-6)


@pytest.mark.parametrize("pivot", ["root", "head"])
@pytest.mark.parametrize("mode", ["absolute", "relative"])
def test_translation_is_in_head_widths(portrait, driver, small_head, mode, pivot):
    """Driver and portrait of other sizes, cameras and crops: 0.5 widths there are 0.5 here."""
    rest = driver[[0]]
    same = rest[[0, 0, 0]]
    px = 0.5 * _width(rest, small_head) * torch.tensor([[0.0, 0], [1, 0], [0, 1]])
    given = {"mode": mode, "pivot": pivot, "neutral_frame": 0}
    still = run(portrait, moved(same, px), small_head, **given)
    track = run(portrait, moved(same, px), small_head, translation=1.0, **given)
    points = pivot_points(track.params, small_head, pivot)
    way = in_frame(points, track) - in_frame(points, still)
    expected = 0.5 * _width(portrait, small_head) * torch.tensor([[0.0, 0], [1, 0], [0, 1]])
    assert torch.allclose(way, expected, atol=1e-3)
    assert torch.equal(track.camera.scale, portrait.camera.scale.expand(3))


def _width(track, head):
    """Px of the frame, by measuring the posed mesh of a head that looks ahead."""
    rest = HeadParams.neutral(1, len(track.params.shape), 1, head.basis)
    rest = replace(rest, shape=track.params.shape)
    x = head.vertices(rest)[0, :, 0]
    assert head_width(track.params, head) == pytest.approx(float(x.max() - x.min()), rel=1e-5)
    ends = torch.zeros(2, 3)
    ends[:, 0] = torch.stack([x.min(), x.max()])
    seen = in_frame(ends, track[[0, 0]])
    return float((seen[1] - seen[0]).norm())


def test_a_driver_who_is_the_portrait_comes_back(small_head):
    """Same identity, frame and camera: with the way through the picture all is as it was."""
    driver = small_track(6, seed=3)
    scale, crop = driver.camera.scale[:1], driver.crop_from_frame[:1]
    driver = replace(
        driver,
        camera=Camera(scale.expand(6), driver.camera.translation),
        crop_from_frame=crop.expand(6, 3, 3),
    )
    portrait = driver[[2]]
    for pivot in ("root", "head"):
        given = {"pivot": pivot, "neutral_frame": 2, "translation": 1.0}
        track = run(portrait, driver, small_head, **given, **ALL)
        found = in_frame(pivot_points(track.params, small_head, "head"), track)
        expected = in_frame(pivot_points(driver.params, small_head, "head"), driver)
        assert torch.allclose(found, expected, atol=1e-2)


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


def test_a_neutral_frame_beyond_the_driver_is_refused(portrait, driver, small_head):
    with pytest.raises(InputError, match="0 to 8, got 9"):
        run(portrait, driver, small_head, mode="relative", neutral_frame=9)


def test_heads_without_eyes_turn_about_the_root_only(portrait, driver, small_head):
    blind = replace(small_head, roles=("root", "neck", "jaw", "neck", "neck"))
    with pytest.raises(InputError, match="pivot root"):
        run(portrait, driver, blind, pivot="head")


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
