"""The diffusion nodes in graphs of a real server, on tiny random weights."""

from __future__ import annotations

import copy
import shutil
import time
import wave
from pathlib import Path

import av
import pytest
import torch
from safetensors.torch import save_file

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


def cached(entry: dict) -> set[str]:
    return set(messages(entry, "execution_cached")[0]["nodes"])


def stream(path: Path, kind: str):
    with av.open(str(path)) as container:
        return next((s.duration * s.time_base for s in container.streams if s.type == kind), None)


def temporal(graph: dict, **changed) -> dict:
    """With Temporal Denoise in place of the KSampler."""
    graph = copy.deepcopy(graph)
    inputs = {
        "model": [LOADER, 0],
        "positive": [FUSION, 0],
        "negative": [FUSION, 1],
        "latent": [FUSION, 2],
        "seed": 42,
        "steps": 2,
        "cfg": 3.5,
        "sampler": "magicportrait_ddim",
        "scheduler": "simple",
        "denoise": 1.0,
        "preset": "inherit",
        "window": 0,
        "overlap": 0,
    }
    graph[SAMPLER] = node("TemporalDenoise", **inputs | changed)
    return graph


def test_ksampler(model_server, graph):
    entry = succeeded(model_server.run(graph))
    assert frame_count(saved(model_server, entry)) == FRAMES


def test_temporal_denoise(model_server, graph):
    """The preset is the window's; what it does not touch stays cached."""
    succeeded(model_server.run(temporal(graph)))
    entry = succeeded(model_server.run(temporal(graph, preset="paper")))
    assert {LOADER, CLIP, VAE, FUSION} <= cached(entry)
    assert SAMPLER not in cached(entry)
    assert frame_count(saved(model_server, entry)) == FRAMES


def test_stock_nodes_in_a_row(model_server, graph):
    """LoRAs of both loaders, sampling, FreeU, PAG, windows, a custom sampler."""
    torch.manual_seed(0)
    stem = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"
    state = {
        f"{stem}.lora_up.weight": torch.randn(32, 2),
        f"{stem}.lora_down.weight": torch.randn(2, 32),
    }
    (model_server.base / "models/loras").mkdir(exist_ok=True)
    save_file(state, model_server.base / "models/loras/style.safetensors")
    graph = copy.deepcopy(graph)
    lora = {"lora_name": "style.safetensors", "strength_model": 0.5}
    ours = {"lora": "style.safetensors", "strength": 0.5, "apply_to": "both"}
    windows = {
        "context_length": 6, "context_overlap": 2, "context_schedule": "standard_static",
        "context_stride": 1, "closed_loop": False, "fuse_method": "pyramid", "dim": 0,
    }  # fmt: skip
    asked = model_server.get("/object_info/ContextWindowsManual")["ContextWindowsManual"]["input"]
    for name, (_, options) in asked["required"].items():  # newer hosts ask for more
        if "default" in options:
            windows.setdefault(name, options["default"])
    graph |= {
        "20": node("LoraLoaderModelOnly", model=[LOADER, 0], **lora),
        "21": node("MagicPortraitLoraLoader", model=["20", 0], reference=[LOADER, 1], **ours),
        "22": node("ModelSamplingDiscrete", model=["21", 0], sampling="v_prediction", zsnr=True),
        "23": node("FreeU_V2", model=["22", 0], b1=1.1, b2=1.1, s1=0.9, s2=0.9),
        "24": node("PerturbedAttentionGuidance", model=["23", 0], scale=1.0),
        "25": node("ContextWindowsManual", model=["24", 0], **windows),
        "26": node("BasicScheduler", model=["25", 0], scheduler="simple", steps=2, denoise=1.0),
        "27": node("KSamplerSelect", sampler_name="ddim"),
        "28": node("PreviewAny", source=["21", 2]),
    }
    graph[FUSION]["inputs"]["reference"] = ["21", 1]
    graph[SAMPLER] = node(
        "SamplerCustom", model=["25", 0], add_noise=True, noise_seed=3, cfg=3.5,
        positive=[FUSION, 0], negative=[FUSION, 1], sampler=["27", 0], sigmas=["26", 0],
        latent_image=[FUSION, 2],
    )  # fmt: skip
    entry = succeeded(model_server.run(graph))
    assert frame_count(saved(model_server, entry)) == FRAMES
    (report,) = entry["outputs"]["28"]["text"]
    assert report.count("1 layers matched, 0 unmatched") == 2
    graph["21"]["inputs"]["apply_to"] = "denoiser"
    graph[FUSION]["inputs"]["reference"] = [LOADER, 1]
    succeeded(model_server.run(graph))
    graph["21"]["inputs"]["strength"] = 0.25
    assert FUSION in cached(succeeded(model_server.run(graph))), "a LoRA reads the portrait again"


def test_self_attention_guidance(model_server, graph):
    """It needs more than the 64 px of the other graphs, of whatever model; the windows are ours."""
    graph = copy.deepcopy(graph)
    graph["11"] = picture(0x8899AA, frames=1, size=128)
    for number, color in (("12", 0x777777), ("13", 0x8080FF), ("14", 0xAA8877)):
        graph[number] = picture(color, size=128)
    graph["20"] = node("SelfAttentionGuidance", model=[LOADER, 0], scale=0.5, blur_sigma=2.0)
    graph[SAMPLER]["inputs"]["model"] = ["20", 0]
    assert frame_count(saved(model_server, succeeded(model_server.run(graph)))) == FRAMES


def test_sound_tiles_and_pictures(model_server, graph):
    """A sound wired in reaches the file; images are whole only where wired."""
    with wave.open(str(model_server.base / "input/tone.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(2 * 8000 * 3))
    graph = with_inputs(graph, DECODE, audio=["30", 0], tile="on")
    graph["30"] = node("LoadAudio", audio="tone.wav")
    graph["31"] = node("SaveImage", images=[DECODE, 1], filename_prefix="decoded")
    entry = succeeded(model_server.run(graph))
    path = saved(model_server, entry)
    assert frame_count(path) == FRAMES
    assert abs(float(stream(path, "audio")) - FRAMES / 12) < 0.1
    assert len(entry["outputs"]["31"]["images"]) == FRAMES
    del graph["31"], graph[DECODE]["inputs"]["audio"], graph["30"]
    entry = succeeded(model_server.run(graph))
    assert stream(saved(model_server, entry), "audio") is None


def test_refined_frames(model_server, graph):
    """Frames to start from, and less noise."""
    graph = with_inputs(graph, FUSION, init_frames=["14", 0])
    graph = with_inputs(graph, SAMPLER, denoise=0.5)
    assert frame_count(saved(model_server, succeeded(model_server.run(graph)))) == FRAMES


def test_no_frame_rate(model_server, graph):
    sentence = failure(model_server, with_inputs(graph, DECODE, fps=0.0), DECODE)
    assert sentence == "this latent carries no frame rate: set fps."


def test_sampler_without_our_conditioning(model_server, graph):
    graph = with_inputs(graph, SAMPLER, positive=["10", 0], negative=["10", 0])
    assert "Face Motion Fusion" in failure(model_server, graph, SAMPLER)


def test_other_sizes(model_server, graph):
    graph = copy.deepcopy(graph)
    graph["11"] = picture(0, frames=1, size=96)
    assert "portrait_crop is 96x96 px" in failure(model_server, graph, FUSION)


def test_cancel_and_the_next_run(model_server, graph):
    for long in (with_inputs(graph, SAMPLER, steps=400, seed=9), temporal(graph, steps=400)):
        prompt_id = model_server.submit(long)
        time.sleep(6)
        assert prompt_id not in model_server.get(f"/history/{prompt_id}"), "it ended too early"
        start = time.monotonic()
        model_server.request("/interrupt", {})
        entry = model_server.finish(prompt_id, timeout=20)
        assert time.monotonic() - start < 3
        (interrupted,) = messages(entry, "execution_interrupted")
        assert interrupted["node_id"] == SAMPLER
        succeeded(model_server.run(with_inputs(graph, SAMPLER, seed=int(start * 1000))))


def test_missing_weights(model_server, graph):
    """One message says of every file what it is, where it belongs, how large, from where."""
    folder = model_server.base / "models/magicportrait"
    away = model_server.base / "away"
    shutil.copytree(folder, away)
    for path in [*folder.rglob("*.pth"), *folder.rglob("*.safetensors")]:
        path.unlink()
    try:
        shown = model_server.get("/object_info/MagicPortraitModelLoader")
        options = shown["MagicPortraitModelLoader"]["input"]["required"]["model"]
        offered = options[1].get("options", options[0])
        assert "denoising_unet.pth (not installed)" in offered
        sentence = failure(model_server, graph, LOADER)
        for name in ("denoising_unet.pth", "reference_unet.pth", "guidance_encoder_depth.pth"):
            assert name in sentence
        for said in (str(folder), "GB", "https://huggingface.co/", "licence", "if_missing"):
            assert said in sentence
        named = with_inputs(graph, LOADER, model="denoising_unet.pth (not installed)")
        assert "denoising_unet.pth" in failure(model_server, named, LOADER)
        other = with_inputs(graph, LOADER, model="mine.safetensors")
        assert "mine.safetensors is not in" in failure(model_server, other, LOADER)
    finally:
        shutil.copytree(away, folder, dirs_exist_ok=True)
    succeeded(model_server.run(graph))
