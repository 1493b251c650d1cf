"""The diffusion nodes in graphs of a real server, on tiny random weights."""

from __future__ import annotations

import copy
from pathlib import Path

import av
import pytest

FRAMES, SIZE = 14, 64
LOADER, REFERENCE, CLIP, VAE, FUSION, SAMPLER, DECODE, SAVE = "1", "2", "3", "4", "5", "6", "7", "8"
KSAMPLER = {"seed": 1, "steps": 2, "cfg": 3.5, "sampler_name": "euler", "scheduler": "simple"}


def node(kind: str, **inputs) -> dict:
    return {"class_type": kind, "inputs": inputs}


def picture(color: int, frames: int = FRAMES, size: int = SIZE) -> dict:
    return node("EmptyImage", width=size, height=size, batch_size=frames, color=color)


@pytest.fixture(scope="module")
def graph() -> dict:
    """Maps of one colour each, a portrait of another, a stock KSampler, a saved video."""
    auto = ("model", "reference_unet", "motion_module")
    encoders = tuple(f"guidance_encoder_{kind}" for kind in ("depth", "normal", "render"))
    names = dict.fromkeys((*auto, *encoders), "auto")
    return {
        LOADER: node("MagicPortraitModelLoader", dtype="auto", if_missing="explain", **names),
        CLIP: node("CLIPLoader", clip_name="clip_l.safetensors", type="stable_diffusion"),
        VAE: node("VAELoader", vae_name="taesd"),
        "10": node("CLIPTextEncode", clip=[CLIP, 0], text="A close up of a person."),
        "11": picture(0x8899AA, frames=1),
        "12": picture(0x777777),
        "13": picture(0x8080FF),
        "14": picture(0xAA8877),
        FUSION: node(
            "FaceMotionFusion",
            reference=[LOADER, 1],
            portrait_crop=["11", 0],
            vae=[VAE, 0],
            positive=["10", 0],
            depth=["12", 0],
            normal=["13", 0],
            render=["14", 0],
        ),
        SAMPLER: node(
            "KSampler",
            model=[LOADER, 0],
            positive=[FUSION, 0],
            negative=[FUSION, 1],
            latent_image=[FUSION, 2],
            denoise=1.0,
            **KSAMPLER,
        ),
        DECODE: node("DecodeVideo", latent=[SAMPLER, 0], vae=[VAE, 0], fps=12.0, tile="auto"),
        SAVE: node(
            "SaveVideo", video=[DECODE, 0], filename_prefix="diffused", format="mp4", codec="h264"
        ),
    }


def with_inputs(graph: dict, number: str, **inputs) -> dict:
    graph = copy.deepcopy(graph)
    graph[number]["inputs"].update(inputs)
    return graph


def messages(entry: dict, kind: str) -> list[dict]:
    return [data for name, data in entry["status"]["messages"] if name == kind]


def succeeded(entry: dict) -> dict:
    assert messages(entry, "execution_error") == []
    assert entry["status"]["status_str"] == "success"
    return entry


def failure(server, graph: dict, number: str) -> str:
    """The one sentence that the node fails with."""
    (error,) = messages(server.run(graph), "execution_error")
    assert error["node_id"] == number
    sentence = error["exception_message"].strip()
    assert "\n" not in sentence
    return sentence


def saved(server, entry: dict) -> Path:
    (result,) = entry["outputs"][SAVE]["images"]
    return server.base / "output" / result["subfolder"] / result["filename"]


def frame_count(path: Path) -> int:
    with av.open(str(path)) as container:
        assert container.streams.video[0].average_rate == 12
        return sum(1 for _ in container.decode(video=0))


def test_ksampler(model_server, graph):
    entry = succeeded(model_server.run(graph))
    assert frame_count(saved(model_server, entry)) == FRAMES
