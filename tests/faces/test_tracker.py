"""Whole tracks, on scenes whose faces' places are known."""

import warnings

import av
import numpy as np
import pytest
import torch

from magicportrait_core.errors import InputError, MagicPortraitWarning, NoFaceError
from magicportrait_core.faces.smoothing import smooth_landmarks
from magicportrait_core.faces.tracker import track_faces, track_image


def middles(track):
    return (track.boxes[:, :2] + track.boxes[:, 2:]) / 2


def test_a_noisy_still_is_calm(networks, portrait, as_clip):
    noise = torch.randn(60, *portrait.shape, generator=torch.Generator().manual_seed(0))
    frames = (portrait + 5 * noise).round().clamp(0, 255).to(torch.uint8)
    track = track_faces(as_clip(frames), networks)
    iris = (track.landmarks[:, 468] - track.landmarks[:, 473])[:, :2].norm(dim=-1).mean()
    deviation = track.landmarks[..., :2].std(0).norm(dim=-1).mean() / iris
    assert deviation < 0.0025
    assert track.valid.all()


def test_lost_frames_are_named_and_interpolated(networks, backdrop, paste, as_clip):
    empty = backdrop(256, 320)
    frames = [paste(empty, 140 + 2 * i, 128, 90) for i in range(16)]
    for i in (5, 6, 11):
        frames[i] = empty
    with pytest.warns(MagicPortraitWarning, match=r"3 of 16 frames \(5-6, 11,.*interpolated$"):
        track = track_faces(as_clip(frames), networks)
    assert (~track.valid).nonzero()[:, 0].tolist() == [5, 6, 11]
    assert (track.scores[track.valid] > 0.5).all()
    path = middles(track)[:, 0] - 140 - 2 * torch.arange(16)
    assert path.abs().max() < 2


def test_a_face_that_leaves_stands_still_and_is_told(networks, backdrop, paste, as_clip):
    empty = backdrop(256, 320)
    frames = [paste(empty, 140 + 2 * i, 128, 90) for i in range(6)] + [empty] * 4
    with pytest.warns(MagicPortraitWarning, match=r"4 of 10 frames \(6-9,.*stand still.*cut"):
        track = track_faces(as_clip(frames), networks, smoothing=0)
    assert (track.landmarks[6:] - track.landmarks[5]).abs().max() < 0.01


@pytest.mark.parametrize(("height", "width"), [(576, 1024), (640, 360)])
def test_a_face_of_8_percent_of_the_width_is_found(
    networks, backdrop, paste, as_clip, height, width
):
    wide = 0.08 * width
    frames = [paste(backdrop(height, width), 0.3 * width, 0.6 * height + i, wide) for i in range(3)]
    track = track_faces(as_clip(frames), networks)
    assert track.valid.all()
    size = track.boxes[:, 2] - track.boxes[:, 0]
    assert size.mean() == pytest.approx(wide, rel=0.08)
    assert (middles(track)[:, 0] - 0.3 * width).abs().max() < 0.1 * wide


@pytest.mark.parametrize("index", [0, 1])
def test_a_track_keeps_its_person_through_a_crossing(
    networks, backdrop, paste, head, as_clip, index
):
    other = head.image.flip(2)[[1, 0, 2]]  # mirrored and recoloured
    steps = np.linspace(0, 1, 30)
    paths = torch.from_numpy(np.stack([110 + 420 * steps, 530 - 420 * steps]))
    frames = []
    for a, b in paths.T.tolist():
        behind = paste(backdrop(360, 640), a, 185, 110)
        frames.append(paste(behind, b, 175, 98, image=other))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MagicPortraitWarning)  # one is hidden for a while
        track = track_faces(as_clip(frames), networks, face="index", face_index=index)
    away = middles(track)[:, 0] - paths[index]
    assert (away - away.median()).abs().max() < 15
    assert bool(track.valid.all()) == (index == 1)


def test_faces_are_chosen_by_size_or_from_the_left(networks, backdrop, paste, as_clip):
    scene = paste(paste(backdrop(360, 640), 480, 170, 120), 150, 190, 90)
    clip = as_clip([scene] * 2)

    def x(**choice):
        return float(middles(track_faces(clip, networks, **choice))[0, 0])

    assert x() == pytest.approx(480, abs=5)
    assert x(face="left_to_right") == pytest.approx(150, abs=5)
    assert x(face="left_to_right", face_index=1) == pytest.approx(480, abs=5)
    assert x(face="index", face_index=1) == pytest.approx(150, abs=5)
    with pytest.raises(InputError, match="scene shows 2, got 2"):
        x(face="index", face_index=2)


def test_no_face_anywhere_is_an_error(networks, backdrop, as_clip):
    with pytest.raises(NoFaceError, match="no frame of scene shows a face: give a clip of one"):
        track_faces(as_clip([backdrop(160, 160)] * 2), networks)


def test_progress_may_cancel(networks, portrait, as_clip):
    class Stop(Exception):
        pass

    def progress(stage, done, total):
        assert 0 <= done <= total
        if done == 2:
            raise Stop

    with pytest.raises(Stop):
        track_faces(as_clip([portrait] * 4), networks, progress=progress)


def test_bad_options_are_named(networks, portrait, as_clip):
    with pytest.raises(InputError, match="face must be one of"):
        track_faces(as_clip([portrait]), networks, face="prettiest")
    with pytest.raises(InputError, match="smoothing must be between 0 and 1"):
        track_faces(as_clip([portrait]), networks, smoothing=2)


def test_a_picture_gives_a_track_of_one_frame(networks, portrait, backdrop, paste):
    track = track_image(portrait, networks)
    assert len(track) == 1
    assert track.valid.tolist() == [True]
    assert track.frame_size == (512, 512)
    track.landmarks[:] += 0  # refused for a tensor of inference mode
    with pytest.raises(NoFaceError, match="the picture shows no face"):
        track_image(backdrop(256, 256), networks)
    with pytest.raises(InputError, match="20 x 20 px, too small"):
        track_image(portrait[:, :20, :20], networks)
    with pytest.raises(InputError, match=r"face in a\.png is only 2\d px wide"):
        track_image(paste(backdrop(256, 256), 100, 100, 22), networks, name="a.png")


def test_the_face_that_was_taken_is_told(networks, portrait, backdrop, paste):
    scene = paste(paste(backdrop(360, 640), 480, 170, 120), 150, 190, 90)
    with pytest.warns(MagicPortraitWarning, match="duo shows 2 faces: the largest, at the right,"):
        track_image(scene, networks, name="duo")
    with warnings.catch_warnings():
        warnings.simplefilter("error", MagicPortraitWarning)
        track_image(portrait, networks)
        track_image(scene, networks, face="left_to_right")


def test_a_picture_as_a_clip_is_told(networks, portrait, as_clip):
    with pytest.warns(MagicPortraitWarning, match="scene has one frame, in which nothing moves"):
        assert len(track_faces(as_clip([portrait]), networks)) == 1


def test_blinks_and_speech_pass_the_default_smoothing(networks, shared_media, as_clip):
    with av.open(str(shared_media / "driving.mp4")) as container:
        frames = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)][30:120]
    images = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2)
    raw = track_faces(as_clip(images), networks, smoothing=0)
    smooth = smooth_landmarks(raw.landmarks, 24, 0.5)

    def curves(landmarks):
        def apart(a, b):
            return (landmarks[:, a, :2] - landmarks[:, b, :2]).norm(dim=-1)

        eyes = (apart(159, 145) + apart(386, 374)) / apart(33, 263)
        return eyes, apart(13, 14) / apart(33, 263)

    for before, after in zip(curves(raw.landmarks), curves(smooth), strict=True):
        assert torch.corrcoef(torch.stack([before, after]))[0, 1] > 0.99
        assert after.std() / before.std() > 0.97


def test_the_callers_threads_are_left_as_they_were(networks, portrait):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        track_image(portrait, networks)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_face_that_leaves_the_picture_is_lost_before_it_is_deformed(networks, portrait, as_clip):
    """Half a face's mesh is pressed into the half that is seen."""
    frames = []
    for shift in (0, 0, 0, 0, 60, 140, 220, 280, 330, 400, 450, 512):
        frame = torch.zeros_like(portrait)
        frame[:, :, shift:] = portrait[:, :, : 512 - shift]
        frames.append(frame)
    with pytest.warns(MagicPortraitWarning, match="no face found in"):
        track = track_faces(as_clip(frames), networks, smoothing=0.0)
    assert track.valid[:5].all()
    assert not track.valid[-3:].any()
    wide = track.boxes[:, 2] - track.boxes[:, 0]
    assert (wide / wide[0]).min() > 0.85
