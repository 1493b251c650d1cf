"""Heads through clips: tracks and maps are written whole, and what does not fit is said at once."""

from dataclasses import replace

import pytest
import torch
from PIL import Image

from magicportrait_core.bench.head_model import bench_head
from magicportrait_core.bench.track import random_states
from magicportrait_core.demo import demo_portrait_path
from magicportrait_core.drivers import FaceChoice, Trimming
from magicportrait_core.errors import InputError, NoFaceError
from magicportrait_core.faces.networks import load_networks
from magicportrait_core.faces.tracker import track_image
from magicportrait_core.flame.library.regressor_files import regressor_file, save_regressor
from magicportrait_core.flame.motion.placing import in_frame, pivot_points, width_in_frame
from magicportrait_core.flame.motion.readout import head_angles
from magicportrait_core.motion.head_pipeline import (
    MapSettings,
    fitted,
    separate_paths,
    track_head,
    write_maps,
)
from magicportrait_core.pipeline import track
from magicportrait_core.tracks import load_head_track, load_motion, load_track
from magicportrait_core.types import TransferSettings
from magicportrait_core.video import open_image, open_video
from tests.golden_head import golden_head
from tests.head_folder import fill_models
from tests.small_head import small_head

SIX = Trimming(max_frames=6)


@pytest.fixture(scope="module")
def networks():
    return load_networks()


@pytest.fixture(scope="module")
def maps(small_models, networks):
    """write_maps with what every test gives."""

    def run(*paths, size=128, **options):
        names = ("mode", "depth_range", "backend")
        look = MapSettings(size=size, **{n: options.pop(n) for n in names if n in options})
        given = {"models": small_models, "networks": networks, "look": look, **options}
        return write_maps(*paths, **given)

    return run


@pytest.fixture
def wall(tmp_path):
    path = tmp_path / "wall.png"
    Image.new("RGB", (200, 200), (90, 120, 150)).save(path)
    return path


def frames_of(path):
    return torch.stack([frame.image for frame in open_video(path)])


def never(stage, done, total):
    pytest.fail("the long work began")


def test_a_head_track_is_written(acted_head):
    found = load_head_track(acted_head)
    assert (len(found), found.fps, found.frame_size) == (6, 24, (512, 512))
    assert (found.tracker, found.params.basis) == ("landmark_fit", small_head().basis)


def test_a_head_turns_as_the_driver(tmp_path, acted_clip, small_models, networks):
    path = tmp_path / "t.safetensors"
    track_head(acted_clip, path, models=small_models, trim=Trimming(stride=2), networks=networks)
    yaw = head_angles(load_head_track(path))[0]
    assert yaw[-1] - yaw[0] > 0.5  # the script turns to the right


def test_the_report_says_what_was_taken(tmp_path, acted_clip, small_models, networks):
    stages = {}
    report = track_head(
        acted_clip, tmp_path / "t.safetensors", models=small_models, trim=SIX, networks=networks,
        plot=tmp_path / "t.png", face=FaceChoice(smoothing=0),
        progress=lambda stage, done, total: stages.update({stage: (done, total)}),
    )  # fmt: skip
    assert report.tracker.name == "landmark_fit"
    assert "not to small" in report.tracker.why
    assert (report.head, report.more, report.frames) == ("small", (tmp_path / "t.png",), 6)
    assert {"fitting the head", "plotting"} <= set(stages)
    assert all(done == total for done, total in stages.values())
    assert Image.open(tmp_path / "t.png").width > 1000


def test_smoothing_of_the_landmarks_is_the_heads(tmp_path, acted_clip, small_models, networks):
    def shaken(name, **options):
        path = tmp_path / name
        track_head(acted_clip, path, models=small_models, networks=networks, trim=SIX, **options)
        return load_head_track(path).params.expression

    both = shaken("a.safetensors", face=FaceChoice(smoothing=1.0))
    neither = shaken("b.safetensors", face=FaceChoice(smoothing=1.0), smoothing=0.0)
    assert not torch.equal(both, neither)


def test_auto_takes_the_papers_tracker_on_its_head(tmp_path, acted_clip, networks):
    models = tmp_path / "models"
    head = replace(bench_head(), landmarks=small_head().landmarks)  # which nothing looks at
    folder = fill_models(models, head)
    deca, smirk = random_states()
    deca["layers.2.weight"][206:209] = 0  # the camera, of which random weights may make none
    deca["layers.2.bias"][206:209] = torch.tensor([8.0, 0.0, 0.0])
    for network, state in (("deca", deca), ("smirk", smirk)):
        save_regressor(folder / regressor_file(network), network, state, {})
    path, trim = tmp_path / "t.safetensors", Trimming(max_frames=2)
    report = track_head(acted_clip, path, models=models, networks=networks, trim=trim)
    assert report.tracker.name == load_head_track(path).tracker == "deca_smirk"
    motion = tmp_path / "m.safetensors"
    report = write_maps(
        path, demo_portrait_path(), tmp_path / "a.mp4", models=models, networks=networks,
        look=MapSettings(size=64), motion=motion,
    )  # fmt: skip
    assert report.tracker.name == load_motion(motion).portrait.tracker == "deca_smirk"


def test_the_golden_head_wears_the_motion(tmp_path, acted_clip, goldens, networks):
    fill_models(tmp_path, golden_head(goldens / "geometry"))
    path = tmp_path / "t.safetensors"
    track_head(acted_clip, path, models=tmp_path, networks=networks, trim=SIX)
    report = write_maps(
        path, demo_portrait_path(), tmp_path / "maps.mkv", models=tmp_path, networks=networks,
        driving=acted_clip, trim=SIX, separate=True, codec="ffv1", look=MapSettings(size=192),
    )  # fmt: skip
    assert report.frames == 6
    mask = frames_of(tmp_path / "maps_mask.mkv")[:, 0] > 0
    face = track_image(open_image(demo_portrait_path()), networks).boxes[0] * (192 / 512)
    left, top, right, bottom = (int(side) for side in face)
    assert mask[:, top:bottom, left:right].float().mean() > 0.9
    assert mask.float().mean() < 0.3


def test_maps_of_a_portrait_beside_the_driver(tmp_path, maps, acted_head, acted_clip):
    motion = tmp_path / "m.safetensors"
    report = maps(
        acted_head, demo_portrait_path(), tmp_path / "maps.mkv", driving=acted_clip, trim=SIX,
        codec="ffv1", separate=True, motion=motion, settings={"jaw": 0.5, "mode": "relative"},
    )  # fmt: skip
    beside = separate_paths(tmp_path / "maps.mkv")
    assert [path.name for path in beside.values()] == [
        "maps_depth.mkv", "maps_normal.mkv", "maps_render.mkv", "maps_mask.mkv",
    ]  # fmt: skip
    assert report.more == (*beside.values(), motion)
    assert report.tracker.name == "landmark_fit"
    assert report.head == "small"
    film = open_video(tmp_path / "maps.mkv")
    assert (film.frame_count, film.fps, film.height, film.width) == (6, 24, *report.size)
    normal = open_video(beside["normal"])
    assert (normal.height, normal.width) == (128, 128)
    assert load_motion(motion).settings == TransferSettings(jaw=0.5, mode="relative")
    render = frames_of(beside["render"])
    assert (render[0] != render[-1]).any()
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"maps.mkv", "m.safetensors", *(path.name for path in beside.values())}


def test_a_motion_gives_the_same_maps_and_takes_changes(tmp_path, maps, acted_head):
    motion = tmp_path / "m.safetensors"
    options = {"codec": "ffv1", "settings": {"mode": "relative", "yaw": 2.0}}
    maps(acted_head, demo_portrait_path(), tmp_path / "a.mkv", motion=motion, **options)
    maps(motion, None, tmp_path / "b.mkv", codec="ffv1")
    assert torch.equal(frames_of(tmp_path / "a.mkv"), frames_of(tmp_path / "b.mkv"))
    changed = tmp_path / "n.safetensors"
    maps(motion, None, tmp_path / "c.mkv", codec="ffv1", settings={"yaw": 0.0}, motion=changed)
    assert not torch.equal(frames_of(tmp_path / "c.mkv"), frames_of(tmp_path / "b.mkv"))
    assert load_motion(changed).settings == TransferSettings(mode="relative", yaw=0.0)
    with pytest.raises(InputError, match="holds a portrait already"):
        maps(motion, demo_portrait_path(), tmp_path / "d.mp4")


def test_without_a_portrait_the_driver_stands_in_its_own_frame(tmp_path, maps, acted_head):
    for mode in ("stable", "parity"):
        report = maps(
            acted_head, None, tmp_path / f"{mode}.mkv", mode=mode, codec="ffv1", separate=True
        )
        assert report.tracker is None
    first = frames_of(tmp_path / "stable_mask.mkv")[0, 0] > 0
    track, head = load_head_track(acted_head), small_head()
    at = in_frame(pivot_points(track.params, head, "head"), track)[0]
    middle = first.nonzero().float().mean(0).flip(0) * 4  # 512 px are drawn at 128
    assert (middle - at).norm() < 0.5 * width_in_frame(track, head)[0]
    stable, parity = (frames_of(tmp_path / f"{m}_depth.mkv").int() for m in ("stable", "parity"))
    off = (stable - parity).abs()[(stable > 0) & (parity > 0)].float()
    assert 0 < off.max()
    assert off.quantile(0.9) < 0.05 * 255 + 2  # the rest stands half a pixel elsewhere


def test_a_landmark_track_has_maps_of_its_face(tmp_path, maps, acted_clip, networks):
    path = tmp_path / "l.safetensors"
    track(acted_clip, path, trim=SIX, networks=networks)
    report = maps(
        path, None, tmp_path / "l.mkv", driving=acted_clip, trim=SIX, codec="ffv1", separate=True,
        models=tmp_path / "no models",
    )  # fmt: skip
    assert (report.frames, report.tracker, report.head) == (6, None, None)
    mask = frames_of(tmp_path / "l_mask.mkv")[0, 0] > 0
    x0, y0, x1, y1 = (load_track(path).boxes[0] / 4).tolist()
    ys, xs = mask.nonzero().T
    assert abs(float(xs.min()) - x0) < 2
    assert abs(float(xs.max()) - x1) < 2
    assert abs(float(ys.max()) - y1) < 2
    assert y0 - 2 < float(ys.min())
    with pytest.raises(InputError, match="leave the portrait out"):
        maps(path, demo_portrait_path(), tmp_path / "x.mp4")


def test_key_frames_drive_without_a_clip(tmp_path, maps, acted_clip):
    keys = tmp_path / "k.csv"
    keys.write_text("# fps 12\nframe,yaw,jaw\n0,0,0\n4,25,10\n")
    report = maps(keys, demo_portrait_path(), tmp_path / "a.mp4")
    assert (report.frames, report.fps) == (5, 12)
    assert report.tracker.name == "landmark_fit"
    report = maps(keys, None, tmp_path / "b.mp4", size=4096)
    assert report.size[0] > 512
    with pytest.raises(InputError, match="Key frames are of no clip"):
        maps(keys, None, tmp_path / "c.mp4", driving=acted_clip)


def test_a_clip_that_is_not_the_tracks(tmp_path, maps, acted_head, acted_clip):
    with pytest.raises(InputError, match=r"6 frames of 512x512 px, acted\.mp4 has 12 of"):
        maps(acted_head, None, tmp_path / "a.mp4", driving=acted_clip)


def test_options_that_carry_nothing_over(tmp_path, maps, acted_head):
    with pytest.raises(InputError, match="name the portrait"):
        maps(acted_head, None, tmp_path / "a.mp4", settings={"jaw": 0.5})
    with pytest.raises(InputError, match="A motion has a portrait"):
        maps(acted_head, None, tmp_path / "a.mp4", motion=tmp_path / "m.safetensors")
    portrait = demo_portrait_path()
    with pytest.raises(InputError, match="neutral_frame must be between 0 and 5"):
        maps(acted_head, portrait, tmp_path / "a.mp4", settings={"neutral_frame": 6})
    assert list(tmp_path.iterdir()) == []


def test_inputs_are_looked_at(tmp_path, maps, acted_head, wall):
    with pytest.raises(NoFaceError, match=r"wall\.png shows no face"):
        maps(acted_head, wall, tmp_path / "a.mp4")
    with pytest.raises(InputError, match="No head model is in"):
        maps(acted_head, None, tmp_path / "a.mp4", models=tmp_path)
    with pytest.raises(InputError, match="is an input of this run"):
        maps(acted_head, None, tmp_path / "a.mp4", driving=tmp_path / "a.mp4")
    with pytest.raises(InputError, match="is an input of this run"):
        maps(acted_head, None, tmp_path / "a.mp4", driving=tmp_path / "a_mask.mp4", separate=True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mode": "odd"}, "maps mode must be"),
        ({"depth_range": "odd"}, "depth_range must be"),
        ({"backend": "odd"}, "backend must be"),
        ({"size": 3}, "size must be"),
        ({"codec": "prores"}, r"written to a \.mov"),
        ({"motion": "m.mp4"}, r"written as \.safetensors"),
        ({"device": "odd"}, "device must be"),
    ],
)
def test_choices_are_checked_before_the_long_work(tmp_path, maps, acted_head, options, words):
    with pytest.raises(InputError, match=words):
        maps(acted_head, demo_portrait_path(), tmp_path / "a.mp4", progress=never, **options)
    assert list(tmp_path.iterdir()) == []


def test_tracking_is_checked_before_the_long_work(tmp_path, acted_clip, small_models):
    for options, words in (
        ({"output": "a.mp4"}, "is written as"),
        ({"plot": tmp_path / "a.gif"}, "is written as"),
        ({"neutral_frame": 12}, "between 0 and 11"),
        ({"tracker": "magic"}, "tracker must be"),
        ({"head": "nobody"}, "no head model nobody"),
        ({"models": tmp_path}, "No head model is in"),
        ({"tracker": "deca_smirk"}, "landmark_fit"),
    ):
        given = {"output": "a.safetensors", "models": small_models, **options}
        output = tmp_path / given.pop("output")
        with pytest.raises(InputError, match=words):
            track_head(acted_clip, output, progress=never, **given)


@pytest.mark.parametrize("separate", [False, True])
def test_cancelling_leaves_nothing(tmp_path, maps, acted_head, separate, monkeypatch):
    monkeypatch.setattr("magicportrait_core.motion.maps_film.BATCH", 2)

    def cancel(stage, done, total):
        if stage == "rendering maps" and done == 4:
            assert len(list(tmp_path.iterdir())) == (5 if separate else 1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        maps(
            acted_head, demo_portrait_path(), tmp_path / "a.mkv", codec="ffv1",
            separate=separate, progress=cancel, motion=tmp_path / "m.safetensors",
        )  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_maps_are_made_smaller_not_stretched():
    assert fitted((512, 384), 768) == (512, 384)
    assert fitted((1000, 2000), 500) == (250, 500)
    assert fitted((2000, 1000), 768) == (768, 384)


def test_a_part_of_no_clip_is_refused(maps, tmp_path):
    with pytest.raises(InputError, match="--driving"):
        maps(tmp_path / "t.safetensors", None, tmp_path / "m.mp4", trim=SIX)
