"""Landmarks alone give the head: on synthetic truth, on a noisy still and on footage."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from magicportrait_core.demo import demo_portrait_path
from magicportrait_core.errors import InputError, MagicPortraitWarning
from magicportrait_core.faces.networks import load_networks
from magicportrait_core.faces.tracker import track_faces
from magicportrait_core.flame.projection import crop_to_picture, project
from magicportrait_core.flame.registration.registration import register
from magicportrait_core.flame.rotations import axis_angle, to_euler
from magicportrait_core.flame.trackers import LandmarkFit
from magicportrait_core.types import FaceTrack, VideoClip
from magicportrait_core.video import open_image, open_video
from tests import synthetic_figures as judged
from tests.small_head import small_head
from tests.synthetic_truth import act, onto_axis

MATRICES = Path(__file__).with_name("driving_matrices.safetensors")
LANDMARKS = Path(__file__).with_name("driving_landmarks.safetensors")
OPENINGS = ("lip_gap", "mouth_width", "brow_height", "jaw", "blinks", "eye_gap")


@pytest.fixture(scope="module")
def scenes(golden_head):
    return [act(golden_head, seed) for seed in range(6)]


def correlation(a, b):
    return float(torch.corrcoef(torch.stack([a, b]))[0, 1])


def test_synthetic_truth_is_found(scenes):
    """Of six scenes: turns of .65 to .99 degrees, mean .80; vertices of .80 to .99 px, mean .90."""
    rows = [judged.figures(scene, judged.fit(scene)) for scene in scenes]
    mean = {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}
    assert mean["overlay_px"] <= 2
    assert mean["vertices_px"] <= 1
    assert mean["turn_degrees"] <= 0.9
    assert max(row["turn_degrees"] for row in rows) <= 1
    assert max(row["vertices_px"] for row in rows) <= 1
    for name in OPENINGS:
        assert mean[name] >= 0.97, name


def test_missing_frames_are_between_their_neighbours(scenes):
    scene = scenes[0]
    assert (~scene.track.valid).sum() > 5
    track = judged.fit(scene)
    assert torch.equal(track.valid, scene.track.valid)
    pose = track.params.global_pose
    for lost in (~track.valid).nonzero()[:, 0].tolist():
        if 0 < lost < len(track) - 1 and track.valid[lost - 1] and track.valid[lost + 1]:
            step = (pose[lost + 1] - pose[lost - 1]).norm()
            assert (pose[lost] - pose[lost - 1]).norm() <= step + 1e-3


def test_what_lost_frames_hold_does_not_matter(scenes):
    scene = scenes[1]
    other = scene.track.landmarks.clone()
    other[~scene.track.valid] += 100
    changed = replace(scene, track=replace(scene.track, landmarks=other))
    a, b = judged.fit(scene), judged.fit(changed)
    torch.testing.assert_close(a.params.global_pose, b.params.global_pose, rtol=0, atol=1e-4)
    torch.testing.assert_close(a.params.expression, b.params.expression, rtol=0, atol=5e-3)


def noisy(picture, seed):
    """60 frames of a picture with noise of sigma 5, tracked."""
    generator = torch.Generator().manual_seed(seed)
    noise = 5 * torch.randn(60, *picture.shape, generator=generator)
    frames = (picture.float() + noise).round().clamp(0, 255).to(torch.uint8)
    clip = VideoClip.from_tensor(frames, Fraction(25), "still")
    return track_faces(clip, load_networks())


@pytest.fixture(scope="module")
def noisy_still():
    return noisy(open_image(demo_portrait_path()), 0)


def check_still(head, faces):
    track = LandmarkFit(head).fit(faces)
    for angle in to_euler(track.params.global_pose):
        assert angle.std() <= 0.15
    points = project(head.vertices(track.params), track.camera)
    height, width = track.frame_size
    screen = crop_to_picture(points, track.crop_from_frame, height, width, "exact")
    px = screen[..., :2] * torch.tensor([width, height]) / 2
    assert (px - px.mean(0)).square().sum(-1).mean().sqrt() <= 0.3


def test_a_still_stays_still(golden_head, noisy_still):
    check_still(golden_head, noisy_still)


@pytest.mark.parametrize("seed", [2, 4])
def test_the_example_portrait_stays_still(golden_head, shared_media, seed):
    """Found: yaw .062 and .050 degrees, mesh .18 and .14 px; with crops that follow their own
    slow noise .146 and .133, and .36 and .32 px."""
    check_still(golden_head, noisy(open_image(shared_media / "boy_cropped.jpg"), seed))


@pytest.mark.parametrize("mode", ["matrices", "video"])
def test_mediapipes_own_landmarks_turn_as_its_matrices(golden_head, mode):
    """Landmarks that MediaPipe's newest network found, as Track Face takes them from the host.

    It lays a rigid face on them and on their depth, unprojected by a camera. Found: pitch .984
    where it looked at each frame alone, .980 where it followed the face; yaw .998, roll .995.
    """
    faces, laid = mediapipes_own(golden_head, mode)
    matrices = load_file(MATRICES)[mode]
    fit = LandmarkFit(golden_head, registration=laid).fit(faces)
    found, theirs = to_euler(fit.params.global_pose), to_euler(axis_angle(turned(matrices)))
    for name, ours, angle in zip(("yaw", "pitch", "roll"), found, theirs, strict=True):
        assert correlation(ours, angle) >= 0.98, name


@pytest.mark.parametrize("frame", [0, 60, 120, 210])
def test_one_picture_turns_as_its_matrix(golden_head, frame):
    """A portrait is one picture: no crooked or deep face may explain how it is turned.

    Found: yaw off by 0.4 to 1 degree of 9 to 15, by 6.4 of 38; pitch by .6 to 3.6, roll
    by .2. Without the priors that hold it, a face turned by 15 degrees came out turned by 33.
    """
    faces, laid = mediapipes_own(golden_head, "matrices")
    one = replace(
        faces, boxes=faces.boxes[[frame]], landmarks=faces.landmarks[[frame]],
        scores=faces.scores[[frame]], valid=faces.valid[[frame]],
    )  # fmt: skip
    found = to_euler(LandmarkFit(golden_head, registration=laid).fit(one).params.global_pose)
    theirs = to_euler(axis_angle(turned(load_file(MATRICES)["matrices"][[frame]])))
    off = [float((a - b).abs()) for a, b in zip(found, theirs, strict=True)]
    assert off[0] <= (7 if frame == 210 else 2)
    assert off[1] <= 5
    assert off[2] <= 1


def test_footage_turns_as_mediapipe_says(golden_head, shared_media):
    """The same matrices, and the landmarks of the network that comes with the package.

    Pitch moves by 3 degrees only, and MediaPipe's image and video modes agree in it to .971, so
    nothing can agree to .98 with both: each is noise to the other, and their mean is the better
    truth. The fit gives .969 and .980, .982 with the mean.

    Their depth is a network's, relative to the face, so a ray to the head turns the matrix by a
    part of its angle only: pitch as it is and pitch as seen along the ray are both compared.
    """
    faces = track_faces(open_video(shared_media / "driving.mp4"), load_networks())
    found = to_euler(LandmarkFit(golden_head).fit(faces).params.global_pose)
    modes = [load_file(MATRICES)[name] for name in ("matrices", "video")]
    image, video = (to_euler(axis_angle(turned(matrices))) for matrices in modes)
    place = modes[0][:, :3, 3]
    seen = to_euler(axis_angle(onto_axis(place) @ turned(modes[0])))
    for name, ours, a, b in zip(("yaw", "pitch", "roll"), found, image, video, strict=True):
        assert correlation(ours, (a + b) / 2) >= 0.98, name
    least = {"yaw": (0.99, 0.99), "pitch": (0.965, 0.955), "roll": (0.98, 0.96)}
    for name, ours, a, c in zip(least, found, image, seen, strict=True):
        as_it_is, along = least[name]
        assert correlation(ours, a) >= as_it_is, name
        assert correlation(ours, c) >= along, name
    assert correlation(image[1], video[1]) < 0.975  # the reference's own noise


def mediapipes_own(head, mode):
    """The stored landmarks, and where they lie on a head."""
    stored = load_file(LANDMARKS)
    indices, points = stored["indices"].long(), stored[mode].float() / 32
    landmarks = torch.zeros(len(points), 478, 3)
    landmarks[:, indices] = points
    boxes, seen = stored[f"{mode}.boxes"], torch.ones(len(points))
    laid = register(head)
    laid = laid[torch.isin(laid.indices, indices).nonzero()[:, 0]]
    assert len(laid.indices) == len(indices)
    return FaceTrack(boxes, landmarks, seen, seen.bool(), (512, 512), Fraction(24)), laid


def turned(matrices):
    """(t, 4, 4) -> (t, 3, 3) their rotations, which come with a scale."""
    return matrices[:, :3, :3] / matrices[:, :3, :3].norm(dim=1, keepdim=True)


def test_one_picture_is_a_clip_of_one_frame(golden_head, noisy_still):
    one = FaceTrack(
        noisy_still.boxes[:1], noisy_still.landmarks[:1], noisy_still.scores[:1],
        noisy_still.valid[:1], noisy_still.frame_size, noisy_still.fps,
    )  # fmt: skip
    track = LandmarkFit(golden_head).fit(one)
    assert len(track) == 1
    assert track.params.basis == golden_head.basis


def test_a_neutral_frame_has_no_expression(scenes):
    scene = scenes[4]
    neutral = int(scene.track.valid.nonzero()[30, 0])
    indices, embedding = scene.points
    none = torch.zeros(len(indices))
    laid = judged.Registration(indices, embedding, none, none)
    track = LandmarkFit(scene.head, registration=laid, smoothing=0, neutral_frame=neutral).fit(
        scene.track
    )
    size = track.params.expression.norm(dim=1)
    assert size[neutral] < 0.25 * size[track.valid].median()


def test_a_neutral_frame_must_show_a_face(scenes):
    scene = scenes[0]
    lost = int((~scene.track.valid).nonzero()[0, 0])
    with pytest.raises(InputError, match="no face was seen in frame"):
        LandmarkFit(scene.head, neutral_frame=lost).fit(scene.track)
    with pytest.raises(InputError, match="neutral_frame"):
        LandmarkFit(scene.head, neutral_frame=10_000).fit(scene.track)
    with pytest.raises(InputError, match="neutral_frame"):
        LandmarkFit(scene.head, neutral_frame=-1)


def test_a_head_with_nothing_to_fit():
    head = small_head()
    stiff = replace(
        head,
        expression_basis=head.expression_basis[:0],
        joint_expression_basis=head.joint_expression_basis[:0],
    )
    with pytest.raises(InputError, match="small has no bases of shapes and expressions"):
        LandmarkFit(stiff)


def test_a_registration_of_too_few_points():
    few = register(small_head())[torch.arange(3)]
    with pytest.raises(InputError, match="only 3 points of the face mesh lie on small, a fit tak"):
        LandmarkFit(small_head(), registration=few)


def test_points_of_another_head_are_warned_of(scenes):
    scene = scenes[0]
    indices, embedding = scene.points
    none = torch.zeros(len(indices))
    order = torch.randperm(len(indices), generator=torch.Generator().manual_seed(0))
    wrong = judged.Registration(indices[order], embedding, none, none)
    with pytest.warns(MagicPortraitWarning, match="off the face"):
        LandmarkFit(scene.head, registration=wrong).fit(scene.track)


def test_progress_can_stop_the_fit(scenes):
    def stop(stage, done, total):
        if done > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        LandmarkFit(scenes[0].head).fit(scenes[0].track, progress=stop)


def test_what_landmarks_do_not_show_is_not_fitted(monkeypatch):
    """Of a basis without an order, the columns that move the fitted points most are taken."""
    head = small_head()
    hidden = torch.ones(head.num_vertices)
    hidden[head.faces[register(head).embedding.faces].unique()] = 0
    assert hidden.any()
    strong_behind = head.expression_basis[:1] + 10 * hidden
    unsorted = replace(
        head, family="other", expression_basis=torch.cat([strong_behind * 0.1, strong_behind]),
        joint_expression_basis=head.joint_expression_basis[:1].repeat(2, 1, 1),
    )  # fmt: skip
    unsorted.expression_basis[0] += 100 * hidden
    monkeypatch.setattr("magicportrait_core.flame.trackers.landmark_fit.EXPRESSIONS", 1)
    assert LandmarkFit(unsorted).points.expression_columns.tolist() == [1]
