"""The two entrances: any size of picture, checked input, progress that may cancel."""

import pytest
import torch
import torch.nn.functional as F

from magicportrait_core.errors import InputError
from magicportrait_core.pictures import to_uint8
from magicportrait_core.preview import (
    FaceSliders,
    MotionSettings,
    edit_still,
    portrait_head,
    reenact_frames,
)


@pytest.fixture(scope="module")
def driver(act):
    """20 frames from rest to a turned head with an open mouth."""
    return act([FaceSliders(yaw=i, mouth=i / 25) for i in range(20)])


def drawn(portrait, driver, settings=None, **more):
    return torch.cat(
        list(reenact_frames(portrait.picture, portrait.track, driver, settings, **more))
    )


def test_one_frame_out_for_each_frame_in(shipped, driver):
    batches = list(reenact_frames(shipped.picture, shipped.track, driver))
    assert len(batches) > 1
    assert sum(map(len, batches)) == len(driver)
    assert all(batch.shape[1:] == (3, 512, 512) for batch in batches)
    assert all(batch.dtype == torch.float32 for batch in batches)


def test_the_neutral_frame_is_the_portrait(portrait, driver):
    settings = MotionSettings(neutral_frame=7)
    face = portrait.face(drawn(portrait, driver, settings) - portrait.picture)
    error = -10 * face.square().mean((1, 2, 3)).log10()
    assert error[7] > 40
    assert error[0] < 35
    assert error[-1] < 35


def test_gains_of_nothing_are_the_portrait(portrait, driver):
    still = drawn(portrait, driver, MotionSettings(pose=0, expression=0))
    error = portrait.face(still - portrait.picture).square().mean((1, 2, 3))
    assert (-10 * error.log10()).min() > 40


@pytest.mark.parametrize(("height", "width"), [(257, 301), (301, 257), (1024, 1024), (333, 1000)])
def test_any_size(shipped, as_portrait, act, height, width):
    """The upper half of the shipped portrait, cut or enlarged."""
    if max(height, width) > 512:
        blown_up = F.interpolate(shipped.picture[None], (1024, 1024), mode="bicubic")[0]
        image = blown_up[:, 40 : 40 + height, :width] if height < 1024 else blown_up
    else:
        image = shipped.picture[:, 10 : 10 + height, 90 : 90 + width]
    portrait = as_portrait(to_uint8(image))
    frames = drawn(portrait, act([FaceSliders(), FaceSliders(yaw=15, mouth=1)]))
    assert frames.shape == (2, 3, height, width)
    assert frames.isfinite().all()
    assert frames.min() >= 0
    assert frames.max() <= 1
    rest = edit_still(portrait.picture, portrait.track, FaceSliders())
    error = portrait.face(rest - portrait.picture).square().mean()
    assert -10 * error.log10() > 38


def test_a_track_of_another_picture_is_refused(shipped, driver):
    cut = shipped.picture[:, :400, :300]
    with pytest.raises(InputError, match=r"made on a picture of 512x512 px, .* is 300x400"):
        next(reenact_frames(cut, shipped.track, driver))
    with pytest.raises(InputError, match="is 300x400"):
        edit_still(cut, shipped.track, FaceSliders())


@pytest.mark.parametrize("shape", [(1, 3, 512, 512), (512, 512, 3), (4, 512, 512)])
def test_the_portrait_has_one_shape(shipped, driver, shape):
    with pytest.raises(InputError, match="portrait must be"):
        next(reenact_frames(torch.zeros(shape), shipped.track, driver))


def test_a_portrait_of_bytes_is_refused(shipped, driver):
    """It would be drawn white."""
    for picture, told in (
        (to_uint8(shipped.picture), "must be a float tensor .*, got torch.uint8: `pictures.to_fl"),
        (255 * shipped.picture, "portrait must be 0..1, its brightest value is 2"),
    ):
        with pytest.raises(InputError, match=told):
            edit_still(picture, shipped.track, FaceSliders())
        with pytest.raises(InputError, match=told):
            next(reenact_frames(picture, shipped.track, driver))
        with pytest.raises(InputError, match=told):
            portrait_head(picture, shipped.track)


def test_a_neutral_frame_beyond_the_driver_is_refused(shipped, driver):
    with pytest.raises(InputError, match="neutral_frame must be 0 to 19, got 20"):
        drawn(shipped, driver, MotionSettings(neutral_frame=20))


def test_progress_counts_frames_and_may_cancel(shipped, driver):
    seen = []

    def watch(stage, done, total):
        seen.append((stage, done, total))
        if len(seen) == 2:
            raise KeyboardInterrupt

    drawn(shipped, driver, progress=lambda *call: seen.append(call))
    assert seen[0] == ("render", 0, 20)
    assert seen[-1] == ("render", 20, 20)
    assert [done for _, done, _ in seen] == sorted({done for _, done, _ in seen})
    seen.clear()
    with pytest.raises(KeyboardInterrupt):
        drawn(shipped, driver, progress=watch)
    assert len(seen) == 2


def test_input_is_left_as_it_was(shipped, driver):
    before = shipped.picture.clone(), shipped.track.landmarks.clone(), driver.landmarks.clone()
    drawn(shipped, driver)
    after = shipped.picture, shipped.track.landmarks, driver.landmarks
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_drawing_twice_gives_the_same(shipped, driver):
    assert torch.equal(drawn(shipped, driver), drawn(shipped, driver))


def test_threads_are_given_back(shipped, driver):
    threads = torch.get_num_threads()
    frames = reenact_frames(shipped.picture, shipped.track, driver)
    next(frames)
    assert torch.get_num_threads() == threads
