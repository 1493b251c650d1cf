"""Write workflows/*.json and subgraphs/*.json anew: python .ci/graphs/workflows.py SERVER, a
running ComfyUI with the pack. Workflow 01 was drawn by hand; the others are below, one function
each; blueprints are in blueprints.py.

Notes have names in italics: on their colour the newer page's way to show code cannot be read.
"""

from __future__ import annotations

import json
import sys
import urllib.request
from pathlib import Path

from blueprint import Blueprint
from blueprints import BLUEPRINTS
from film import DEPTH_NET, OWN_FILES, RESULT, SD15, UPSCALER, WEIGHTS, Film
from graph import Graph

ROOT = Path(__file__).resolve().parents[2]


def full(g: Film) -> None:
    g.note(
        "## Full reenactment\n\nThe driver's expression, jaw and pose on the portrait's own head, "
        "painted by the diffusion model." + WEIGHTS + OWN_FILES + RESULT,
        height=420,
    )
    maps = g.maps(g.track()["track"])
    g.models()
    fused = g.fuse(maps)
    g.film(g.denoise(fused)["latent"])


def refined(g: Film) -> None:
    g.note(
        "## Preview, refined by diffusion\n\nThe preview engine's frames are the start: the "
        "diffusion model repaints them by *denoise*. 0.4 keeps the preview's picture, 0.8 keeps "
        "little of it." + WEIGHTS + OWN_FILES + RESULT,
        height=440,
    )
    tracked = g.track(room=0)
    face = g.node("MagicPortraitTrackFace", 1, driving=g.example["driving"])
    preview = g.node(
        "MagicPortraitPreview", 2, portrait=tracked["portrait_crop"], face_track=face["face_track"]
    )
    maps = g.maps(tracked["track"])
    g.models()
    fused = g.fuse(maps, init_frames=preview["images"])
    g.film(g.denoise(fused, denoise=0.5)["latent"])


def expression_only(g: Film) -> None:
    g.note(
        "## Expression only\n\n**Motion Edit** has the gains of yaw, pitch and roll at 0: the "
        "portrait keeps its own pose and takes the driver's face. Nothing is tracked again when a "
        "gain moves." + WEIGHTS + OWN_FILES + RESULT,
        height=440,
    )
    tracked = g.track()
    edited = g.node(
        "MagicPortraitMotionEdit", 2, track=tracked["track"], yaw=0.0, pitch=0.0, roll=0.0
    )
    maps = g.maps(edited["track"])
    g.models()
    g.film(g.denoise(g.fuse(maps))["latent"])


def lora(g: Film) -> None:
    g.note(
        "## With a LoRA\n\nAny SD1.5 LoRA: kohya, LoCon, peft or diffusers' older layout. "
        "*report* says how many of its weights were matched. *apply_to both* also changes how "
        "the portrait is seen. The stock **LoraLoaderModelOnly** works too, for kohya's layout."
        + WEIGHTS + OWN_FILES + RESULT,
        height=480,
    )  # fmt: skip
    maps = g.maps(g.track()["track"])
    g.models()
    loaded = g.node(
        "MagicPortraitLoraLoader", 3, model=g.loader["model"], reference=g.loader["reference"],
        lora="your_lora.safetensors",
    )  # fmt: skip
    report = g.node("PreviewAny", 3, "What of the LoRA was matched", height=80,
                    source=loaded["report"])  # fmt: skip
    g.group("LoRA", loaded, report)
    fused = g.node(
        "FaceMotionFusion", 4, reference=loaded["reference"],
        portrait_crop=g.tracked["portrait_crop"], vae=g.vae["VAE"],
        positive=g.text["CONDITIONING"], maps=maps["maps"],
    )  # fmt: skip
    g.film(g.denoise(fused, loaded["model"])["latent"])


def paste_back(g: Film) -> None:
    g.note(
        "## Upscale and paste back\n\nThe crop is upscaled and put back into the full picture: "
        "pixels outside the face stay as they are." + WEIGHTS + OWN_FILES + RESULT,
        height=420,
    )
    tracked = g.track()
    maps = g.maps(tracked["track"])
    g.models()
    decoded = g.decode(g.denoise(g.fuse(maps))["latent"])
    model = g.node("UpscaleModelLoader", 5, models=[UPSCALER], model_name=UPSCALER["name"])
    larger = g.node(
        "ImageUpscaleWithModel", 5, upscale_model=model["UPSCALE_MODEL"], image=decoded["images"]
    )
    pasted = g.node("MagicPortraitPasteBack", 6, images=larger["IMAGE"], track=tracked["track"])
    g.group("Upscaled", decoded, model, larger)
    g.group("Result", pasted, g.save(pasted["video"], 6))


def control_net(g: Film) -> None:
    g.note(
        "## Maps into a ControlNet\n\nThe depth of the moving face steers a stock SD1.5 "
        "checkpoint, frame by frame. No head model is needed: the tracker is *landmarks_only*. "
        "*depth_range* is *clip*, as ControlNets want it." + OWN_FILES + RESULT,
        height=420,
    )
    example = g.node("MagicPortraitExample", 1)
    tracked = g.node(
        "FLAMETrack", 1, driving=example["driving"], portrait=example["portrait"],
        tracker="landmarks_only",
    )  # fmt: skip
    maps = g.node("RenderGeometryMaps", 2, track=tracked["track"], depth_range="clip")
    checkpoint = g.node("CheckpointLoaderSimple", 2, models=[SD15], ckpt_name=SD15["name"])
    net = g.node("ControlNetLoader", 2, models=[DEPTH_NET], control_net_name=DEPTH_NET["name"])
    wanted = g.node("CLIPTextEncode", 3, "Wanted", height=90, clip=checkpoint["CLIP"],
                    text="a marble bust, studio light")  # fmt: skip
    unwanted = g.node("CLIPTextEncode", 3, "Unwanted", height=90, clip=checkpoint["CLIP"], text="")
    control = g.node(
        "ControlNetApplyAdvanced", 3, positive=wanted["CONDITIONING"],
        negative=unwanted["CONDITIONING"], control_net=net["CONTROL_NET"], image=maps["depth"],
    )  # fmt: skip
    latents = g.node("VAEEncode", 3, pixels=maps["render"], vae=checkpoint["VAE"])
    sampled = g.node(
        "KSampler", 4, model=checkpoint["MODEL"], positive=control["positive"],
        negative=control["negative"], latent_image=latents["LATENT"], steps=20, cfg=7.0,
        sampler_name="euler", scheduler="normal", denoise=1.0,
    )  # fmt: skip
    frames = g.node("VAEDecode", 4, samples=sampled["LATENT"], vae=checkpoint["VAE"])
    video = g.node("CreateVideo", 5, images=frames["IMAGE"], fps=24.0)
    g.group("Result", video, g.save(video["VIDEO"]))


def ksampler(g: Film) -> None:
    g.note(
        "## KSampler in place of Temporal Denoise\n\nThe model is a stock MODEL: any sampler and "
        "any patch that takes one works. Keep to *simple*, *euler* or *ddim*; *karras* and a *cfg* "
        "above 7 burn the picture." + WEIGHTS + OWN_FILES + RESULT,
        height=440,
    )
    maps = g.maps(g.track()["track"])
    g.models()
    fused = g.fuse(maps)
    sampled = g.node(
        "KSampler", 4, model=g.loader["model"], positive=fused["positive"],
        negative=fused["negative"], latent_image=fused["latent"], steps=20, cfg=3.5,
        sampler_name="euler", scheduler="simple", denoise=1.0,
    )  # fmt: skip
    g.film(sampled["LATENT"])


def still(g: Film) -> None:
    g.note(
        "## Still editor\n\nRun once; then the picture follows the sliders at once. It needs no "
        "download.\n\nPut **Load Image** in place of the example's *portrait* for your own "
        "picture.",
        height=300,
    )
    example = g.node("MagicPortraitExample", 1)
    edited = g.node(
        "MagicPortraitStillEditor", 2, height=320, portrait=example["portrait"], yaw=12.0,
        smile=0.4,
    )  # fmt: skip
    g.node("SaveImage", 3, height=320, images=edited["image"], filename_prefix="MagicPortrait")


def many(g: Film) -> None:
    g.note(
        "## Many portraits, one driver\n\nThe driver is tracked once; each portrait takes its "
        "motion. Copy **Reenact (Preview)** and **Save Video** for more portraits, and put **Load "
        "Image** in place of the example. It needs no download." + RESULT,
        height=420,
    )
    example = g.node("MagicPortraitExample", 1)
    face = g.node("MagicPortraitTrackFace", 1, driving=example["driving"])
    g.group("Driver", example, face)
    for number, (title, mirror) in enumerate((("First", False), ("Second", True)), 1):
        picture = example["portrait"]
        if mirror:
            picture = g.node("ImageFlip", 1 + number, image=picture,
                             flip_method="y-axis: horizontally")["IMAGE"]  # fmt: skip
        preview = g.node(
            "MagicPortraitPreview", 1 + number, f"{title} portrait", portrait=picture,
            face_track=face["face_track"],
        )  # fmt: skip
        g.save(preview["video"], 1 + number, f"MagicPortrait_{title.lower()}")


WORKFLOWS = {
    "02_full_reenactment": full,
    "03_preview_refined": refined,
    "04_expression_only": expression_only,
    "05_lora": lora,
    "06_upscale_and_paste_back": paste_back,
    "07_maps_into_controlnet": control_net,
    "08_ksampler": ksampler,
    "09_still_editor": still,
    "10_many_portraits": many,
}


def write(path: Path, graph: Graph) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(graph.json(), indent=1) + "\n")
    print(path.name)


def main() -> None:
    with urllib.request.urlopen(f"{sys.argv[1]}/object_info") as answer:
        info = json.load(answer)
    for name, build in WORKFLOWS.items():
        graph = Film(info, name)
        build(graph)
        write(ROOT / "workflows" / f"{name}.json", graph)
    for name, (build, description) in BLUEPRINTS.items():
        blueprint = Blueprint(info, name, description)
        build(blueprint)
        write(ROOT / "subgraphs" / f"{name}.json", blueprint)


if __name__ == "__main__":
    main()
