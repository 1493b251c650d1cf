"""Tracks from landmarks that were found elsewhere."""

import pytest
import torch

from magicportrait_core.errors import InputError, MagicPortraitWarning, NoFaceError
from magicportrait_core.faces.given import track_given
from magicportrait_core.faces.tracker import track_faces


@pytest.fixture(scope="module")
def scene(networks, backdrop, paste, as_clip):
    """A moving face: the clip, its unsmoothed track, and the same as faces that were given."""
    clip = as_clip([paste(backdrop(256, 320), 120 + 3 * i, 128, 90) for i in range(10)])
    track = track_faces(clip, networks, smoothing=0.0)
    return clip, track, [[(points, 0.9)] for points in track.landmarks]


def test_what_is_given_is_what_is_tracked(scene):
    clip, track, frames = scene
    given = track_given(clip, frames, smoothing=0.0)
    assert torch.equal(given.landmarks, track.landmarks)
    assert given.valid.all()
    assert (given.frame_size, given.fps) == ((256, 320), clip.fps)
    torch.testing.assert_close(given.scores, torch.full((10,), 0.9))


def test_smoothing_is_that_of_our_own_tracks(scene, networks):
    clip, _, frames = scene
    given = track_given(clip, frames, smoothing=0.7)
    ours = track_faces(clip, networks, smoothing=0.7)
    assert torch.equal(given.landmarks, ours.landmarks)


def test_missing_and_doubtful_faces_are_interpolated(scene):
    clip, track, frames = scene
    frames = list(frames)
    frames[3], frames[6] = [], [(track.landmarks[6] + 500, 0.2)]
    with pytest.warns(MagicPortraitWarning, match=r"2 of 10 frames \(3, 6,"):
        given = track_given(clip, frames, smoothing=0.0)
    assert (~given.valid).nonzero()[:, 0].tolist() == [3, 6]
    middle = (track.landmarks[2] + track.landmarks[4]) / 2
    assert (given.landmarks[3] - middle)[:, :2].abs().max() < 1


def test_one_of_several_is_chosen(scene):
    clip, track, frames = scene
    small = [points * 0.5 + 5 for points in track.landmarks]  # nearer the left, half as large
    both = [[(little, 0.9), *group] for little, group in zip(small, frames, strict=True)]
    assert torch.equal(track_given(clip, both, smoothing=0.0).landmarks, track.landmarks)
    left = track_given(clip, both, face="left_to_right", face_index=0, smoothing=0.0)
    assert torch.equal(left.landmarks, torch.stack(small))


@pytest.mark.parametrize("count", [9, 11])
def test_another_number_of_frames(scene, count):
    clip, _, frames = scene
    with pytest.raises(InputError, match=rf"of {count} frames, .* has 10: detect them in"):
        track_given(clip, (frames * 2)[:count])


def test_no_face(scene):
    clip, _, frames = scene
    with pytest.raises(NoFaceError, match="no face in any frame"):
        track_given(clip, [[] for _ in frames])


def test_another_topology(scene):
    clip, track, _ = scene
    with pytest.raises(InputError, match="landmarks"):
        track_given(clip, [[(points[:468], 0.9)] for points in track.landmarks])
