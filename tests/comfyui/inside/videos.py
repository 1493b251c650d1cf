"""VIDEO inputs of every kind the host makes, and sound that is decoded when asked for."""

from __future__ import annotations

from host import ARGUMENTS, error_of, report, run_node  # isort: skip  first: it finds the host

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import folder_paths
import server
import torch
from comfy_api.latest import InputImpl
from comfy_extras import nodes_video
from pack.magicportrait_core.video import VideoWriter
from pack.nodes import extension
from pack.nodes.load_driving_video import LoadDrivingVideo
from pack.nodes.media import sound
from pack.nodes.media.convert import KeptFrames, image_to_core
from pack.nodes.media.paths import list_videos
from pack.nodes.media.video_input import video_clip
from pack.nodes.paste_back import _masks

server.PromptServer.instance = SimpleNamespace(client_id=None, send_progress_text=lambda *_: None)
FOLDER = Path(ARGUMENTS[0])
WHOLE = {
    "file": "none", "fps": 24.0, "force_rate": 0.0, "skip_first_frames": 0, "frame_load_cap": 0,
    "select_every_nth": 1,
}  # fmt: skip


def ramp(count: int, height: int, width: int) -> torch.Tensor:
    """IMAGE: frame i is of grey i."""
    return (torch.arange(count) / 255).reshape(-1, 1, 1, 1).expand(-1, height, width, 3)


def greys(clip) -> list[int]:
    return [int(frame.image[0, 0, 0]) for frame in clip]


def made(size, audio=None):
    return nodes_video.CreateVideo.execute(ramp(12, *size), 24.0, audio).result[0]


def loaded(video, **cut):
    return run_node(LoadDrivingVideo, video=video, **WHOLE | cut)


tone = {"waveform": torch.linspace(-1, 1, 22050).expand(1, 2, -1), "sample_rate": 44100}
created = {
    name: greys(loaded(made(size, sound))[0])
    for name, size, sound in (("even", (64, 64), None), ("odd", (63, 65), tone))
}
clip, _, audio, rate, count = loaded(made((63, 65), tone), skip_first_frames=3, select_every_nth=2)
waveform = audio["waveform"]
decoded = []
whole_read, sound.read_audio = sound.read_audio, lambda s: decoded.append(s) or whole_read(s)
_, _, unheard, *_ = loaded(made((64, 64), tone))
before = len(decoded)
lengths = [unheard["waveform"].shape[-1], {**unheard}["sample_rate"]]

path = FOLDER / "counted.mp4"
with VideoWriter(path, 64, 64, Fraction(10)) as writer:
    for i in range(40):
        writer.write(torch.full((1, 3, 64, 64), i / 40))
file = InputImpl.VideoFromFile(str(path))
trimmed = None
if hasattr(nodes_video, "VideoSlice"):
    part = nodes_video.VideoSlice.execute(file, 1.0, 2.0, False).result[0]
    ours, theirs = video_clip(part), part.get_components().images
    first = next(iter(ours)).image.float().mean().item() / 255
    trimmed = [ours.frame_count, len(theirs), first - theirs[0].mean().item()]

kept = KeptFrames(4, 8, 8)
list(kept.of(iter([torch.zeros(2, 3, 8, 8)])))
folder_paths.set_input_directory(str(FOLDER / "absent"))
node = extension.load_node("load_driving_video", "LoadDrivingVideo")
report(
    created=created,
    cut=[greys(clip), rate, count, waveform.shape[-1] / audio["sample_rate"]],
    start=waveform[0, 0, 0].item(),
    unheard=before,
    heard=[len(decoded), *lengths],
    trimmed=trimmed,
    file=video_clip(file).frame_count,
    broken_off=len(kept.images),
    no_input_folder=[node is not None, list_videos()],
    moved=image_to_core(torch.zeros(1, 4, 4, 3)).device.type,
    masks=[
        list(_masks(torch.ones(*shape), 5).shape)
        for shape in ((4, 6), (1, 4, 6), (5, 4, 6), (5, 1, 4, 6))
    ],
    wrong_mask=error_of(_masks, torch.ones(3, 4, 6), 5),
)
