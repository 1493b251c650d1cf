from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from magicportrait_core.errors import InputError
from magicportrait_core.flame.head_model import HeadModel
from magicportrait_core.flame.trackers import TRACKERS, crops, deca_smirk
from magicportrait_core.flame.trackers.deca import DecaEncoder, split_codes
from magicportrait_core.flame.trackers.deca_smirk import DecaSmirk, smooth_boxes
from magicportrait_core.flame.trackers.smirk import SmirkEncoder, split_expression
from magicportrait_core.types import FaceTrack, VideoClip, VideoFrame

SIZE = (120, 160)
T = 7


def head(name: str = "flame2020_generic", **changes) -> HeadModel:
    """Four vertices; the networks never look at them."""
    basis, joints = torch.zeros(2, 3, 4), torch.zeros(2, 5, 3)
    made = HeadModel(
        name, "flame", torch.rand(3, 4), basis, basis, torch.zeros(36, 3, 4), (1, 2, 3, 4),
        torch.zeros(5, 3), joints, joints, torch.zeros(5, 4), (-1, 0, 1, 1, 1),
        ("root", "neck", "jaw", "left_eye", "right_eye"), torch.zeros(1, 3, dtype=torch.long),
    )  # fmt: skip
    return replace(made, **changes)


@pytest.fixture(scope="module")
def states() -> tuple[dict, dict]:
    """Weights that let their input through: random, norms of 1."""
    torch.manual_seed(0)
    return DecaEncoder().state_dict(), SmirkEncoder().state_dict()


@pytest.fixture(scope="module")
def tracker(states) -> DecaSmirk:
    return DecaSmirk(head(), *states, smoothing=0.0)


def moving_faces(t: int = T, seed: int = 0) -> FaceTrack:
    """Mesh points in a square of 60 px that goes a px to the right each frame."""
    points = torch.rand(1, 478, 3, generator=torch.Generator().manual_seed(seed)) * 60 + 25
    landmarks = points.repeat(t, 1, 1)
    landmarks[..., 0] += torch.arange(t)[:, None]
    boxes = torch.cat([landmarks[..., :2].amin(1), landmarks[..., :2].amax(1)], 1)
    return FaceTrack(
        boxes, landmarks, torch.ones(t), torch.ones(t, dtype=torch.bool), SIZE, Fraction(25)
    )


def pictures(t: int = T) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(t, 3, 12, 16, generator=generator) * 255
    return torch.nn.functional.interpolate(coarse, SIZE, mode="bilinear").to(torch.uint8)


def clip_of(images: torch.Tensor) -> VideoClip:
    return VideoClip.from_tensor(images, Fraction(25), "clip.mp4")


def test_it_is_registered_under_its_name():
    assert TRACKERS["deca_smirk"] is DecaSmirk


def test_codes_become_parameters(states, tracker):
    """Against the networks as they were loaded, picture by picture."""
    faces, images = moving_faces(), pictures()
    track = tracker.track(clip_of(images), faces)
    deca, smirk = DecaEncoder().eval(), SmirkEncoder().eval()
    deca.load_state_dict(states[0])
    smirk.load_state_dict(states[1])
    shapes = []
    for i in range(T):
        box = crops.deca_boxes(faces.landmarks[i : i + 1])
        crop = crops.deca_input(images[i], crops.crop_matrices(box)[0])
        other = crops.crop_matrices(crops.smirk_boxes(faces.landmarks[i : i + 1]))[0]
        with torch.no_grad():
            codes = split_codes(deca(crop[None]))
            small = crops.smirk_input(images[i], other)
            face = split_expression(smirk.expression_encoder(small[None]))
        shapes.append(codes.shape[0])
        near = {"rtol": 1e-4, "atol": 1e-6}
        torch.testing.assert_close(track.params.global_pose[i], codes.pose[0, :3], **near)
        torch.testing.assert_close(track.params.jaw_pose[i], face.jaw[0], **near)
        torch.testing.assert_close(track.params.expression[i], face.expression[0], **near)
        torch.testing.assert_close(track.camera.scale[i], codes.camera[0, 0], **near)
        torch.testing.assert_close(track.camera.translation[i], codes.camera[0, 1:], **near)
        torch.testing.assert_close(track.lighting[i], codes.lighting[0], **near)
        torch.testing.assert_close(track.crop_from_frame[i], crops.crop_matrices(box)[0].float())
    middle = torch.stack(shapes).sort(0).values[T // 2]
    torch.testing.assert_close(track.params.shape, middle, rtol=1e-4, atol=1e-6)
    assert track.texture.shape == (50,)
    assert track.params.eyelids is None
    assert not track.params.neck_pose.any()
    assert (track.frame_size, track.fps, track.tracker) == (SIZE, Fraction(25), "deca_smirk")
    assert track.params.basis == tracker.head.basis


def test_batches_make_no_difference(tracker, monkeypatch):
    faces, clip = moving_faces(), clip_of(pictures())
    whole = tracker.track(clip, faces)
    monkeypatch.setattr(deca_smirk, "BATCH", 3)
    parts = tracker.track(clip, faces)
    torch.testing.assert_close(
        parts.params.global_pose, whole.params.global_pose, rtol=1e-4, atol=1e-6
    )


def test_lost_frames_are_interpolated_and_their_pictures_never_read(tracker):
    faces, images = moving_faces(), pictures()
    valid = torch.tensor([True, True, False, True, True, True, False])
    faces = replace(faces, valid=valid)
    track = tracker.track(clip_of(images), faces)
    other = images.clone()
    other[~valid] = 255 - other[~valid]
    again = tracker.track(clip_of(other), faces)
    assert track.params.expression.equal(again.params.expression)
    assert track.params.shape.equal(again.params.shape)
    assert track.valid.equal(valid)
    expression = track.params.expression
    torch.testing.assert_close(expression[2], (expression[1] + expression[3]) / 2)
    assert expression[6].equal(expression[5])


def test_eyelids_are_kept_where_the_head_can_move_them(states):
    tracker = DecaSmirk(head(eyelid_basis=torch.zeros(2, 3, 4)), *states)
    eyelids = tracker.track(clip_of(pictures(2)), moving_faces(2)).params.eyelids
    assert eyelids.shape == (2, 2)
    assert (eyelids >= 0).all()
    assert (eyelids <= 1).all()


def test_a_portrait_is_a_clip_of_one_frame(tracker):
    track = tracker.track(clip_of(pictures(1)), moving_faces(1))
    assert len(track) == 1


def test_the_clip_is_read_once_with_progress(tracker):
    images, readings, seen = pictures(3), [], []

    class Source:
        def __iter__(self) -> Iterator[VideoFrame]:
            readings.append(1)
            yield from (VideoFrame(image, 0.0) for image in images)

    clip = VideoClip(Source(), *SIZE, Fraction(25), 3)
    tracker.track(clip, moving_faces(3), progress=lambda *step: seen.append(step))
    assert len(readings) == 1
    assert seen == [("reading the head", i, 3) for i in range(4)]


@pytest.mark.parametrize("name", ["flame2023_open", "flame2020_female", "gnm_head_v3"])
def test_another_head_model_is_refused(states, name):
    with pytest.raises(InputError, match=f"mean other faces on {name}: import generic_model.pkl"):
        DecaSmirk(head(name), *states)


def test_a_head_that_says_it_takes_the_codes_is_taken(states):
    made = DecaSmirk(head("my_own", source={"codes": "flame2020_generic"}), *states)
    assert made.head.name == "my_own"


def test_the_track_of_another_clip_is_refused(tracker):
    with pytest.raises(InputError, match=r"of a clip of 160 x 120 px, clip.mp4 has 64 x 48"):
        tracker.track(clip_of(pictures()[..., :48, :64]), moving_faces())
    with pytest.raises(InputError, match=r"has 7 frames, clip.mp4 has 5"):
        tracker.track(clip_of(pictures(5)), moving_faces())
    with pytest.raises(InputError, match=r"has 3 frames, clip.mp4 has 7"):
        tracker.track(clip_of(pictures()), moving_faces(3))


def test_damaged_weights_are_named(states):
    deca, smirk = dict(states[0]), states[1]
    deca["layers.2.bias"] = torch.full((236,), float("nan"))
    tracker = DecaSmirk(head(), deca, smirk)
    with pytest.raises(InputError, match="DECA gave values that are no numbers"):
        tracker.track(clip_of(pictures(1)), moving_faces(1))


def test_boxes_follow_a_steady_motion_and_not_the_noise():
    faces = moving_faces(40)
    shaky = faces.landmarks + 0.5 * torch.randn(
        40, 478, 3, generator=torch.Generator().manual_seed(2)
    )
    boxes = smooth_boxes(replace(faces, landmarks=shaky), 1.0)
    rough = smooth_boxes(replace(faces, landmarks=shaky), 0.0)
    exact = smooth_boxes(faces, 0.0)
    for name in ("deca", "smirk"):
        smooth, raw, true = (getattr(b, name)[8:-8] for b in (boxes, rough, exact))
        assert (smooth[:, 0] - true[:, 0]).std() < 0.5 * (raw[:, 0] - true[:, 0]).std()
        assert (smooth[:, :2] - true[:, :2]).abs().max() < 0.5
        assert smooth[:, 2].std() < 0.5 * raw[:, 2].std()


def test_boxes_do_not_slide_across_a_cut():
    faces = moving_faces(20)
    landmarks = faces.landmarks.clone()
    landmarks[10:, :, 0] += 500
    boxes = smooth_boxes(replace(faces, landmarks=landmarks), 1.0).deca
    steps = boxes[1:, 0] - boxes[:-1, 0]
    assert steps[9] > 495
    assert steps[torch.arange(19) != 9].abs().max() < 2
