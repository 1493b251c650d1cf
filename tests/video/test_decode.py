"""Streams with packets that are no pictures, without timestamps, or broken in the middle."""

from fractions import Fraction as F

import av
import numpy as np
import pytest
import torch

from magicportrait_core.errors import InputError, MagicPortraitWarning
from magicportrait_core.video import open_video
from magicportrait_core.video.decode import read_index


def remux(source, target, change):
    """Copy the video packets of ``source``; ``change`` (number, packet) -> packet or None."""
    with av.open(str(source)) as read, av.open(str(target), "w") as write:
        stream = write.add_stream_from_template(read.streams.video[0])
        for number, packet in enumerate(read.demux(video=0)):
            if packet.size and (packet := change(number, packet)) is not None:
                packet.stream = stream
                write.mux(packet)
    return target


def with_content(packet, data):
    """A packet like ``packet`` that holds ``data``."""
    new = av.Packet(bytes(data))
    new.pts, new.dts, new.time_base = packet.pts, packet.dts, packet.time_base
    new.is_keyframe = packet.is_keyframe
    return new


def test_hidden_vp8_references_are_no_frames(tmp_path, samples):
    source = samples.encode(
        tmp_path / "a.webm", count=13, codec="libvpx", options={"crf": "4", "b": "2M"}
    )

    def hide_the_fifth(number, packet):
        if number == 5:
            data = bytearray(bytes(packet))
            data[0] &= ~0x10  # show_frame off
            packet = with_content(packet, data)
            packet.pts = packet.dts = 5 * 40 - 1
        elif number > 5:
            packet.pts = packet.dts = (number - 1) * 40
        return packet

    clip = open_video(remux(source, tmp_path / "b.webm", hide_the_fifth))
    assert (clip.fps, clip.frame_count) == (25, 12)
    assert samples.numbers(clip) == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12]


def test_clock_that_begins_late_counts_from_the_first_picture(tmp_path, samples):
    times = [F(3) + F(i, 25) for i in range(12)]
    path = samples.encode(
        tmp_path / "a.mkv", times=times, unit=F(1, 1000), options={"crf": "1", "bf": "0"}
    )
    index = read_index(path, path.name)
    assert index.timeline.times[0] == 0
    assert samples.numbers(open_video(path, start=0.2)) == list(range(5, 12))


def noise(samples, count):
    rng = np.random.default_rng(0)
    return [rng.integers(0, 255, (*samples.SIZE, 3), np.uint8) for _ in range(count)]


def test_hole_in_the_middle_is_filled_and_named(tmp_path, samples):
    path = samples.encode(tmp_path / "a.mp4", count=40, options={"crf": "1", "g": "10", "bf": "0"})
    clip = open_video(samples.break_packets(path, range(21, 24)))
    with pytest.warns(MagicPortraitWarning, match=r"damaged at 0\.84 s: 3 frames"):
        seen = samples.numbers(clip)
    assert len(seen) == 40
    assert seen[:24] == [*range(21), 20, 20, 20]
    assert seen[30:] == list(range(30, 40)), "right again from the next key frame on"


def test_lost_packets_leave_the_time_right(tmp_path, samples):
    source = samples.encode(tmp_path / "a.mkv", count=40, codec="ffv1", options={"g": "1"})
    path = remux(source, tmp_path / "b.mkv", lambda n, p: None if 11 <= n < 15 else p)
    clip = open_video(path)
    assert (clip.fps, clip.frame_count) == (25, 40)
    assert samples.numbers(clip) == [*range(11), 10, 10, 10, 10, *range(15, 40)]


def test_every_frame_before_a_broken_packet_is_kept(tmp_path, samples):
    path = samples.encode(tmp_path / "a.mkv", noise(samples, 30), options={"g": "30"})
    whole = [frame.image for frame in open_video(path)]
    clip = open_video(samples.break_packets(path, range(20, 30)))
    with pytest.warns(MagicPortraitWarning, match=r"damaged from 0\.(68|72|76|80) s on"):
        kept = [frame.image for frame in clip]
    assert len(kept) >= 17  # up to three wait in the broken part for their references
    assert all(torch.equal(a, b) for a, b in zip(kept[:17], whole, strict=False))


def test_damaged_beginning(tmp_path, samples):
    path = samples.encode(tmp_path / "a.mp4", count=30, options={"g": "10", "bf": "0"})
    samples.break_packets(path, range(10))
    with pytest.raises(
        InputError, match=r"a\.mp4 is damaged at its beginning: .* decodes is at 0\.40 s"
    ):
        open_video(path)
    assert samples.numbers(open_video(path, start=0.4))[0] == 10


def test_nothing_decodes(tmp_path, samples):
    path = samples.encode(tmp_path / "a.mp4")
    with pytest.raises(InputError, match="none of the wanted frames can be decoded"):
        open_video(samples.break_packets(path, range(12)))


def test_damage_where_a_seek_leads_shows_the_frames_before(tmp_path, samples):
    pictures = [samples.grey(i % 50) for i in range(150)]
    options = {"crf": "1", "g": "10", "bf": "0"}
    path = samples.encode(tmp_path / "a.mp4", pictures, options=options)
    clip = open_video(samples.break_packets(path, range(110, 120)), start=4.48, end=5)
    with pytest.warns(MagicPortraitWarning, match=r"damaged at 4\.48 s: 8 frames"):
        assert samples.numbers(clip) == [*[9] * 8, *range(20, 25)]


def test_packets_without_timestamps(tmp_path, samples):
    options = {"crf": "1", "bf": "2"}  # pictures out of order, and AVI does not say when
    clip = open_video(samples.encode(tmp_path / "a.avi", count=40, options=options))
    assert samples.numbers(clip) == list(range(40))
    assert samples.numbers(open_video(tmp_path / "a.avi", start=0.8, stride=4)) == [
        *range(20, 40, 4)
    ]


def test_recording_without_duration_or_index(tmp_path, samples):
    pictures = [samples.grey(i % 50) for i in range(150)]
    path = samples.encode(
        tmp_path / "a.webm", pictures, codec="libvpx-vp9", container_options={"live": "1"}
    )
    assert open_video(path).frame_count == 150
    assert len(list(open_video(path, start=4.2, max_frames=3))) == 3
