"""The stages put together: motion arrives, inputs stay, nothing half is left."""

import numpy as np
import pytest

from magicportrait_core.demo import demo_portrait_path
from magicportrait_core.drivers import FaceChoice, Trimming, open_clip, open_driver
from magicportrait_core.errors import InputError
from magicportrait_core.faces.networks import load_networks
from magicportrait_core.faces.tracker import track_faces
from magicportrait_core.looking.curves import read_curves
from magicportrait_core.pipeline import reenact, still, track
from magicportrait_core.preview import FaceSliders, MotionSettings
from magicportrait_core.tracks import load_track
from magicportrait_core.video import open_video


@pytest.fixture(scope="module")
def networks():
    return load_networks()


def test_the_output_moves_as_the_driver(tmp_path, acted_clip, networks):
    output = tmp_path / "out.mkv"  # without loss: the engine is judged here, not the encoder
    report = reenact(demo_portrait_path(), acted_clip, output, codec="ffv1", networks=networks)
    assert (report.frames, report.fps, report.size) == (12, 24, (512, 512))
    assert report.engine.name == "preview"
    driver, seen = (
        read_curves(track_faces(open_video(path), networks)) for path in (acted_clip, output)
    )
    for name, least in (("yaw", 0.98), ("mouth", 0.9)):
        pair = np.stack([getattr(driver, name), getattr(seen, name)])
        assert np.corrcoef(pair)[0, 1] > least, name
    assert driver.yaw[-1] - driver.yaw[0] > 4


def test_gains_of_nothing_keep_the_portrait_still(tmp_path, acted_clip, networks):
    settings = MotionSettings(pose=0, expression=0)
    reenact(
        demo_portrait_path(), acted_clip, tmp_path / "a.mkv",
        settings=settings, codec="ffv1", trim=Trimming(max_frames=4), networks=networks,
    )  # fmt: skip
    first, *others = [frame.image.int() for frame in open_video(tmp_path / "a.mkv")]
    assert all((other - first).abs().max() <= 1 for other in others)


def test_progress_names_each_stage(tmp_path, acted_clip, networks):
    seen = {}
    reenact(
        demo_portrait_path(), acted_clip, tmp_path / "out.mp4", networks=networks,
        progress=lambda stage, done, total: seen.update({stage: (done, total)}),
    )  # fmt: skip
    assert len(seen) >= 3
    assert all(done == total for done, total in seen.values()), seen


def test_cancelling_while_drawing_leaves_nothing(tmp_path, acted_clip, networks):
    def cancel(stage, done, total):
        if stage == "render" and done > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reenact(
            demo_portrait_path(), acted_clip, tmp_path / "out.mp4",
            networks=networks, progress=cancel,
        )  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_outputs_are_checked_before_the_long_work(tmp_path, acted_clip):
    def never(stage, done, total):
        pytest.fail("the long work began")

    portrait = demo_portrait_path()
    for output in (tmp_path / "no" / "out.mp4", tmp_path / "out.gif", acted_clip, tmp_path):
        with pytest.raises(InputError):
            reenact(portrait, acted_clip, output, progress=never)
    settings = MotionSettings(neutral_frame=12)
    with pytest.raises(InputError, match="between 0 and 11"):
        reenact(portrait, acted_clip, tmp_path / "out.mp4", settings=settings, progress=never)
    for output, plot in (("a.mp4", None), ("a.safetensors", tmp_path / "plot.jpg")):
        with pytest.raises(InputError, match="is written as"):
            track(acted_clip, tmp_path / output, plot=plot, progress=never)


def test_track_takes_its_part_of_the_clip(tmp_path, acted_clip, networks):
    path = tmp_path / "a.safetensors"
    trim, face = Trimming(start=0.125, stride=2), FaceChoice(smoothing=0)
    report = track(acted_clip, path, trim=trim, face=face, networks=networks)
    assert report.frames == len(load_track(path)) == 5
    assert report.fps == load_track(path).fps == 12
    with pytest.raises(InputError, match="when it is made"):
        reenact(demo_portrait_path(), path, tmp_path / "out.mp4", trim=trim, networks=networks)


def test_a_still_at_rest_is_the_portrait(tmp_path, networks):
    report = still(demo_portrait_path(), tmp_path / "a.png", FaceSliders(), networks=networks)
    assert report.fps is None
    drawn, own = (
        next(iter(open_video(path))).image.float()
        for path in (tmp_path / "a.png", demo_portrait_path())
    )
    assert 10 * np.log10(255**2 / float((drawn - own).square().mean())) > 30


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda: MotionSettings(pose="a"), "gain pose must be a number, got 'a'"),
        (lambda: MotionSettings(neutral_frame="3"), "neutral_frame is a whole number from 0"),
        (lambda: FaceSliders(yaw=None), "yaw must be a number, got None"),
        (lambda: reenact("a.png", "b.mp4", "c.mp4", settings={"pose": 1}), "a MotionSettings, got"),
        (lambda: still("a.png", "c.png", {"yaw": 1}), "sliders must be a FaceSliders, got"),
        (lambda: open_clip("b.mp4", "5"), "trim must be a Trimming, got '5'"),
        (lambda: open_clip("b.mp4", Trimming(start="5")), "start must be a number, got '5'"),
        (lambda: open_clip("b.mp4", Trimming(fps="24")), "fps must be a number, got '24'"),
        (lambda: open_driver("b.mp4", "largest", None), "face must be a FaceChoice, got 'largest'"),
    ],
)
def test_values_of_another_type_are_named(made, told):
    with pytest.raises(InputError, match=told):
        made()


def test_a_trim_that_is_no_trimming_stops_the_run_at_once(tmp_path, acted_clip):
    with pytest.raises(InputError, match="trim must be a Trimming"):
        reenact(demo_portrait_path(), acted_clip, tmp_path / "a.mp4", engine="preview", trim="5")
