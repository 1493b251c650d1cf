"""Driver and portrait in memory to motion and maps, with a head model and without."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch

from magicportrait_core.demo import demo_portrait_path
from magicportrait_core.errors import InputError, NoFaceError
from magicportrait_core.faces.networks import load_networks
from magicportrait_core.faces.tracker import track_faces
from magicportrait_core.flame.library.library import open_head
from magicportrait_core.flame.transfer import transfer
from magicportrait_core.motion.head_pipeline import MapSettings
from magicportrait_core.motion.pipeline import (
    CropSettings,
    HeadFiles,
    edited,
    map_size,
    motion_maps,
    overlay_frames,
    picture_size,
    track_motion,
    without_effect,
)
from magicportrait_core.pictures import to_float
from magicportrait_core.types import LandmarkMotion, MotionTrack, TransferSettings, VideoClip
from magicportrait_core.video import open_image, open_video

FRAMES = 6
CROP = CropSettings(size=256)
STILL = dict.fromkeys(("expression", "jaw", "eyelids", "yaw", "pitch", "roll"), 0.0)


@pytest.fixture(scope="module")
def networks():
    return load_networks()


@pytest.fixture(scope="module")
def clip(acted_clip):
    return open_video(acted_clip, max_frames=FRAMES)


@pytest.fixture(scope="module")
def picture():
    return to_float(open_image(demo_portrait_path()))


@pytest.fixture(scope="module")
def files(small_models):
    folder = small_models / "flame"
    return HeadFiles(open_head(folder), folder)


@pytest.fixture(scope="module")
def face(clip, networks):
    return track_faces(clip, networks)


@pytest.fixture(scope="module")
def by_mesh(clip, picture, networks, face):
    return track_motion(clip, picture, None, crop=CROP, networks=networks, face=face)


@pytest.fixture(scope="module")
def by_head(clip, picture, networks, face, files):
    return track_motion(clip, picture, files, crop=CROP, networks=networks, face=face)


@pytest.fixture(params=["mesh", "head"])
def case(request, files):
    """A tracked motion, and its head."""
    found = request.getfixturevalue(f"by_{request.param}")
    return found, None if request.param == "mesh" else files


def test_auto_takes_what_there_is(by_mesh, by_head):
    assert by_mesh.choice.name == "landmarks_only"
    assert isinstance(by_mesh.motion, LandmarkMotion)
    assert by_head.choice.name == "landmark_fit"
    assert isinstance(by_head.motion, MotionTrack)
    assert by_head.motion.portrait.tracker == by_head.motion.driver.tracker == "landmark_fit"


def test_the_motion_is_of_the_crop(case, clip):
    found, _ = case
    motion = found.motion
    assert len(motion) == FRAMES
    assert found.portrait.picture.shape == (3, 256, 256)
    assert picture_size(motion) == (256, 256)
    assert torch.equal(motion.portrait_from_source, found.portrait.from_source)
    assert motion.driver.frame_size == (clip.height, clip.width)
    assert motion.driver.fps == clip.fps


def test_landmarks_only_is_had_for_the_asking(clip, picture, networks, face, files):
    found = track_motion(
        clip, picture, files, tracker="landmarks_only", crop=CROP, networks=networks, face=face
    )
    assert isinstance(found.motion, LandmarkMotion)


def test_the_portraits_mesh_lies_on_its_face(case):
    """At rest the maps cover the face where its picture has it."""
    found, head = case
    still = edited(found.motion, head, TransferSettings(**STILL))
    mask = motion_maps(still, head).frames([0]).mask[0, 0] > 0
    x0, y0, x1, y1 = found.portrait.face.boxes[0].round().int().tolist()
    assert mask[y0:y1, x0:x1].float().mean() > 0.6
    assert mask[:, 250:].sum() == mask[:, :5].sum() == 0


def test_the_face_is_tracked_where_no_track_is_given(clip, picture, networks, by_mesh):
    stages = []
    found = track_motion(
        clip, picture, None, crop=CROP, networks=networks,
        progress=lambda stage, done, total: stages.append(stage),
    )  # fmt: skip
    assert "finding faces" in stages
    assert torch.allclose(found.motion.driver.landmarks, by_mesh.motion.driver.landmarks)


def test_settings_and_keys(by_head, by_mesh, files):
    settings = TransferSettings(jaw=0.5, mode="relative")
    changed = edited(by_head.motion, files, settings)
    assert changed.settings == settings
    assert changed.driver is by_head.motion.driver
    keyed = edited(by_head.motion, files, settings, "frame,yaw\n0,30\n", "replace")
    assert not torch.equal(keyed.driver.params.global_pose, changed.driver.params.global_pose)
    with pytest.raises(InputError, match="key frames move a head model"):
        edited(by_mesh.motion, None, settings, "frame,yaw\n0,30\n")
    for motion, head in ((by_mesh.motion, None), (by_head.motion, files)):
        with pytest.raises(InputError, match="neutral_frame must be between 0 and 5"):
            edited(motion, head, TransferSettings(mode="relative", neutral_frame=6))


def test_keys_of_the_gaze_act_alone(by_head, files):
    keys = "frame,gaze_yaw\n0,15\n"
    still = edited(by_head.motion, files, TransferSettings(), keys)
    eyes = transfer(still, files.head).params.eye_pose
    assert torch.allclose(eyes[:, 1], torch.tensor(15.0).deg2rad(), atol=1e-4)
    assert torch.allclose(eyes[:, [0, 2]], torch.zeros(FRAMES, 2), atol=1e-5)
    assert edited(by_head.motion, files, TransferSettings(gaze=0.5), keys).settings.gaze == 0.5


def test_maps(case):
    found, head = case
    maps = motion_maps(found.motion, head, MapSettings("parity", "clip"), width=128)
    assert (maps.height, maps.width, len(maps)) == (128, 128, FRAMES)
    assert maps.mode == "parity"
    batch = maps.frames([0, 3])
    assert batch.depth.shape == (2, 1, 128, 128)
    assert batch.mask.any()


def test_map_sizes(by_mesh):
    motion = by_mesh.motion
    assert map_size(motion) == (256, 256)
    assert map_size(motion, width=512) == (512, 512)
    assert map_size(motion, height=64) == (64, 64)
    with pytest.raises(InputError, match="maps of 512x256 px"):
        map_size(motion, 512, 256)
    with pytest.raises(InputError, match="must be between 64 and 4096, got 8"):
        map_size(motion, 8, 8)


def test_the_overlay(case, clip):
    found, head = case
    drawn = torch.cat(list(overlay_frames(clip, found.motion, head)))
    plain = torch.stack([frame.image for frame in clip])
    assert drawn.shape == plain.shape
    changed = (drawn != plain).any(1).float().mean((1, 2))
    assert (changed > 0.01).all()
    assert (changed < 0.9).all()


def test_what_does_nothing_is_said(case):
    motion, head = case[0].motion, case[1]
    assert without_effect(edited(motion, head, TransferSettings(jaw=0.5))) == ()
    said = without_effect(edited(motion, head, TransferSettings(translation=1.0)))
    both = without_effect(edited(motion, head, TransferSettings(translation=1.0, gaze=1.0)))
    if isinstance(motion, MotionTrack):
        assert said == both == ()
    else:
        assert said[0].startswith("translation of Motion Edit does nothing here: the track is land")
        assert both[0].startswith("translation and gaze of Motion Edit do nothing here")


def test_what_is_refused(clip, picture, networks, face, files, tmp_path):
    options = {"crop": CROP, "networks": networks, "face": face}
    with pytest.raises(InputError, match="landmark_fit needs a head model, and there is none"):
        track_motion(clip, picture, None, tracker="landmark_fit", **options)
    with pytest.raises(InputError, match="generic_model"):
        track_motion(clip, picture, files, tracker="deca_smirk", **options)
    with pytest.raises(InputError, match="tracker must be one of auto, deca_smirk"):
        track_motion(clip, picture, files, tracker="magic", **options)
    other = VideoClip.from_tensor(torch.zeros(2, 3, 64, 64, dtype=torch.uint8), Fraction(25))
    with pytest.raises(InputError, match=r"the face track is of 6 frames .* images has 2"):
        track_motion(other, picture, None, **options)
    grey = torch.full((3, 128, 128), 0.4)
    with pytest.raises(NoFaceError, match="the portrait shows no face"):
        track_motion(clip, grey, None, **options)
    with pytest.raises(InputError, match="load it again"):
        motion_maps(track_motion(clip, picture, files, **options).motion, None)
