"""The film: where its pictures stand, and that it holds few frames at a time."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from magicportrait_core.errors import InputError
from magicportrait_core.flame.meshes import HeadMeshes
from magicportrait_core.looking.mesh_overlay import head_cover
from magicportrait_core.motion.maps_film import BATCH, Film, map_pictures, write_film
from magicportrait_core.motion.maps_scene import Scene
from magicportrait_core.render import render_maps
from magicportrait_core.render.maps import RenderedMaps
from magicportrait_core.types import MapBatch, VideoClip, VideoFrame, no_progress
from magicportrait_core.video import open_video
from tests.small_head import small_head, small_track

SIZE = (120, 160)


def scene(frames):
    track = small_track(frames, size=SIZE)
    meshes = HeadMeshes(track, small_head())
    cover = head_cover(track, small_head())
    return Scene(meshes, SIZE, cover, SIZE, track.valid, track.fps)


def clip_of(count):
    frames = (torch.full((3, *SIZE), i, dtype=torch.uint8) for i in range(count))
    source = [VideoFrame(image, i / 25) for i, image in enumerate(frames)]
    return VideoClip(source, *SIZE, Fraction(25), count, None, "clip.mp4")


def test_pictures_stand_side_by_side_under_their_captions():
    film = Film(["a", "b"], [30, 41], 64)
    height, width = film.size
    assert height % 2 == width % 2 == 0
    red = torch.zeros(2, 3, 64, 30, dtype=torch.uint8)
    red[:, 0] = 255
    white = torch.full((2, 3, 64, 41), 255, dtype=torch.uint8)
    sheet = film.compose([red, white])
    assert sheet.shape == (2, 3, height, width)
    assert ((sheet == 255).all(1).sum((1, 2)) == 64 * 41).all()
    pure = (sheet[:, 0] == 255) & (sheet[:, 1] == 0) & (sheet[:, 2] == 0)
    assert (pure.sum((1, 2)) == 64 * 30).all()
    bar = sheet[0, :, : height - 65]
    assert bar.max() > 150  # the captions


def test_maps_as_people_see_them():
    ones = torch.ones(1, 1, 2, 2)
    batch = MapBatch(ones / 2, torch.tensor([0.0, -1, 1])[None, :, None, None].expand(1, 3, 2, 2),
                     torch.full((1, 3, 2, 2), 1.7), ones)  # fmt: skip
    found = map_pictures(batch)
    assert {name: image[0, :, 0, 0].tolist() for name, image in found.items()} == {
        "depth": [128] * 3,
        "normal": [128, 0, 255],
        "render": [255] * 3,
        "mask": [255] * 3,
    }


def test_few_frames_are_held(tmp_path, monkeypatch):
    count, asked, given = 3 * BATCH + 2, [], []
    render, batches = RenderedMaps.frames, VideoClip.batches
    monkeypatch.setattr(
        RenderedMaps, "frames", lambda self, i: asked.append(len(i)) or render(self, i)
    )

    def watched(self, size):
        for images in batches(self, size):
            given.append(len(images))
            assert len(given) <= len(asked)  # never ahead of what is rendered
            yield images

    monkeypatch.setattr(VideoClip, "batches", watched)
    shown = scene(count)
    write_film(
        tmp_path / "a.mkv", {"mask": tmp_path / "b.mkv"}, shown,
        render_maps(shown.meshes, *SIZE), clip_of(count), "ffv1", no_progress,
    )  # fmt: skip
    assert max(asked) == BATCH  # the overlay's frames too
    assert given == [BATCH] * 3 + [2]
    assert open_video(tmp_path / "a.mkv").frame_count == count
    assert open_video(tmp_path / "b.mkv").frame_count == count


def test_the_files_hold_what_was_rendered(tmp_path):
    shown = scene(3)
    maps = render_maps(shown.meshes, *SIZE)
    paths = {name: tmp_path / f"{name}.mkv" for name in ("depth", "normal", "render", "mask")}
    size = write_film(tmp_path / "a.mkv", paths, shown, maps, None, "ffv1", no_progress)
    film = open_video(tmp_path / "a.mkv")
    assert (film.height, film.width) == size
    wanted = map_pictures(maps.frames(range(3)))
    for name, path in paths.items():
        images = torch.stack([frame.image for frame in open_video(path)])
        assert torch.equal(images, wanted[name])
    last = torch.stack([frame.image for frame in film])[..., -160 - size[1] % 2 :]
    assert torch.equal(last[..., -SIZE[0] :, -160:], wanted["render"])


def test_a_clip_that_breaks_off_leaves_nothing(tmp_path):
    shown = scene(BATCH + 3)
    maps = render_maps(shown.meshes, *SIZE)
    broken = replace(clip_of(BATCH + 1), frame_count=BATCH + 3)
    with pytest.raises(InputError, match=f"clip.mp4 breaks off after {BATCH + 1} of the track's"):
        write_film(tmp_path / "a.mkv", {}, shown, maps, broken, "ffv1", no_progress)
    assert list(tmp_path.iterdir()) == []
