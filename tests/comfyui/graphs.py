"""What tests of graphs in the server share: change a graph, run it, look at what came out."""

from __future__ import annotations

import copy
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image


def changed(prompt: dict, node: str, **inputs) -> dict:
    """The graph with other inputs of one node; None takes an input away."""
    prompt = copy.deepcopy(prompt)
    prompt[node]["inputs"].update(inputs)
    prompt[node]["inputs"] = {k: v for k, v in prompt[node]["inputs"].items() if v is not None}
    return prompt


def messages(entry: dict, kind: str) -> list[dict]:
    return [data for name, data in entry["status"]["messages"] if name == kind]


def cached(entry: dict) -> set[str]:
    return set(messages(entry, "execution_cached")[0]["nodes"])


def succeeded(entry: dict) -> dict:
    assert messages(entry, "execution_error") == []
    assert entry["status"]["status_str"] == "success"
    return entry


def failure(server, prompt: dict, node: str | None = None) -> str:
    """The sentence a graph that must fail leaves on the node."""
    (error,) = messages(server.run(prompt), "execution_error")
    if node is not None:
        assert error["node_id"] == node
    sentence = error["exception_message"].strip()
    assert "\n" not in sentence
    return sentence


def saved_files(server, entry: dict, node: str, kind: str = "output") -> list[Path]:
    found = entry["outputs"][node]["images"]
    return [server.base / kind / f["subfolder"] / f["filename"] for f in found]


def pictures(paths: list[Path]) -> np.ndarray:
    """(t, h, w, 3) uint8."""
    return np.stack([np.asarray(Image.open(path).convert("RGB")) for path in paths])


def decode(path: Path) -> np.ndarray:
    """(t, h, w, 3) uint8."""
    with av.open(str(path)) as container:
        return np.stack([f.to_ndarray(format="rgb24") for f in container.decode(video=0)])


def encode(path: Path, frames, fps: int = 24, tone: float | None = None) -> None:
    """Write (h, w, 3) uint8 pictures as an H.264 mp4; tone adds a sound of so many Hz."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(fps))
        sound = container.add_stream("aac", rate=16000, layout="mono") if tone else None
        count = 0
        for frame in frames:
            if count == 0:
                stream.height, stream.width = frame.shape[:2]
                stream.pix_fmt = "yuv420p"
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            count += 1
        container.mux(stream.encode(None))
        if sound is not None:
            time = np.arange(count * 16000 // fps, dtype=np.float32) / 16000
            wave = 0.3 * np.sin(2 * np.pi * tone * time)[None]
            block = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
            block.sample_rate = 16000
            container.mux(sound.encode(block))
            container.mux(sound.encode(None))


def loudest(path: Path) -> float:
    """The largest sample of a film's sound."""
    with av.open(str(path)) as film:
        return max(abs(block.to_ndarray()).max() for block in film.decode(audio=0))


def save_video(video: list, prefix: str) -> dict:
    inputs = {"video": video, "filename_prefix": prefix, "format": "auto", "codec": "auto"}
    return {"class_type": "SaveVideo", "inputs": inputs}


def save_image(images: list, prefix: str) -> dict:
    return {"class_type": "SaveImage", "inputs": {"images": images, "filename_prefix": prefix}}
