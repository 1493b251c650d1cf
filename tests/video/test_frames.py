"""Memory: one frame at a time, however long the clip."""

import subprocess
import sys
from fractions import Fraction as F
from pathlib import Path

import av
import numpy as np
import pytest

MEASURE = """
import sys
from magicportrait_core.video import open_video

def resident():
    for line in open("/proc/self/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024

before = most = resident()
count = 0
for frame in open_video(sys.argv[1]):
    count += 1
    if count % 10 == 0:
        most = max(most, resident())
assert frame.image.shape == (3, 1080, 1920)
print(count, most - before)
"""


def long_clip(path, seconds):
    """1080p at 30 fps: one second is encoded, its packets go in again for each second."""
    y, x = np.mgrid[:1080, :1920]
    frames = []
    for i in range(30):
        picture = np.stack([(x + 8 * i) // 16, (y + 4 * i) // 16, (x + y) // 16], -1)
        frames.append(av.VideoFrame.from_ndarray(picture.astype(np.uint8), "rgb24"))
    with av.open(str(path), "w") as container:
        options = {"preset": "ultrafast", "g": "30", "bf": "2", "x264-params": "open-gop=0"}
        stream = container.add_stream("libx264", rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = 1920, 1080, "yuv420p"
        packets = []
        for i, frame in enumerate(frames):
            frame = frame.reformat(format="yuv420p")
            frame.pts, frame.time_base = i, F(1, 30)
            packets += stream.encode(frame)
        packets += stream.encode(None)
        held = [(bytes(p), p.pts, p.dts, p.time_base, p.is_keyframe) for p in packets]
        for second in range(seconds):
            for data, pts, dts, time_base, key in held:
                packet = av.Packet(data)
                shift = round(second / time_base)
                packet.pts, packet.dts, packet.time_base = pts + shift, dts + shift, time_base
                packet.is_keyframe, packet.stream = key, stream
                container.mux(packet)


def growth(path):
    """(frames read, MB above start-up at most) of a fresh process that reads ``path``."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    count, megabytes = done.stdout.split()
    return int(count), float(megabytes)


@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read from /proc")
@pytest.mark.parametrize("seconds", [10, pytest.param(100, marks=pytest.mark.slow)])
def test_memory_stays_flat(tmp_path, seconds):
    long_clip(tmp_path / "long.mp4", seconds)
    count, megabytes = growth(tmp_path / "long.mp4")
    print(f"{count} frames of 1080p: {megabytes:.0f} MB above start-up")
    assert count == 30 * seconds
    assert megabytes < 300
