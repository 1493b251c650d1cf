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
from film import DEPTH_NET, OVER, OWN_FILES, RESULT, SCRUBBER, SD15, UPSCALER, WEIGHTS, Film
from graph import TOP, Graph

ROOT = Path(__file__).resolve().parents[2]


PAINTED = ("track", "maps", "loader", "text", "fuse", "denoise")  #: columns after the note's


def full(g: Film) -> None:
    g.lay("note", *PAINTED)
    g.start(
        "## Full reenactment\n\nThe driver's expression, jaw and pose on the portrait's own head, "
        "painted by the diffusion model." + WEIGHTS + OWN_FILES + RESULT,
        height=700,
    )
    maps = g.maps(g.track()["track"])
    g.group("Motion", g.tracked, maps)
    g.models()
    g.film(g.denoise(g.fuse(maps)))


def refined(g: Film) -> None:
    g.lay("note", "track", "maps", "face", *PAINTED[2:])
    g.start(
        "## Preview, refined by diffusion\n\nThe preview engine's frames are the start: the "
        "diffusion model repaints them by *denoise*. 0.4 keeps the preview's picture, 0.8 keeps "
        "little of it." + WEIGHTS + OWN_FILES + RESULT,
        height=740,
    )
    tracked = g.track()
    maps = g.maps(tracked["track"])
    g.group("Motion", tracked, maps)
    column = g.at["face"]
    between = g.left(column) - 22
    g.down_to(column, 330)  # below the wires of the crop and the maps
    face = g.node(
        "MagicPortraitTrackFace", column,
        driving=g.example["driving"].via((g.left(1) + 20, 8), (between, 8), (between, 110)),
    )  # fmt: skip
    preview = g.node(
        "MagicPortraitPreview", column,
        portrait=tracked["portrait_crop"].via((between, 170), (between, face.bottom)),
        face_track=g.under(face, "face_track"),
    )  # fmt: skip
    g.models(top=450)
    over = (g.right(column) + 25, 350)
    fused = g.fuse(maps, init_frames=preview["images"].via(over))
    g.film(g.denoise(fused, denoise=0.5))


def expression_only(g: Film) -> None:
    g.lay("note", "track", "edit", *PAINTED[1:])
    g.start(
        "## Expression only\n\n**Motion Edit** has the gains of yaw, pitch and roll at 0: the "
        "portrait keeps its own pose and takes the driver's face. Nothing is tracked again when a "
        "gain moves." + WEIGHTS + OWN_FILES + RESULT,
        height=740,
    )
    tracked = g.track()
    g.down_to(g.at["edit"], 210)
    edited = g.node(
        "MagicPortraitMotionEdit", g.at["edit"], room=SCRUBBER, track=tracked["track"], yaw=0.0,
        pitch=0.0, roll=0.0,
    )  # fmt: skip
    maps = g.maps(edited["track"])
    g.group("Motion", tracked, edited, maps)
    g.models()
    g.film(g.denoise(g.fuse(maps)))


def lora(g: Film) -> None:
    g.lay("note", "track", "maps", "loader", "lora", "text", "fuse", "denoise")
    g.start(
        "## With a LoRA\n\nAny SD1.5 LoRA in *models/loras*: kohya, LoCon, peft or diffusers' "
        "older layout. Choose yours in place of *your_lora* on **Load MagicPortrait LoRA**; "
        "*report* says "
        "how many of its weights were matched. *apply_to both* also changes how the portrait is "
        "seen. The stock loader of LoRAs for a model alone works too, for kohya's layout."
        + WEIGHTS + OWN_FILES + RESULT,
        height=800,
    )  # fmt: skip
    maps = g.maps(g.track()["track"])
    g.group("Motion", g.tracked, maps)
    g.models(lora="your_lora.safetensors")
    g.film(g.denoise(g.fuse(maps)))


def paste_back(g: Film) -> None:
    g.lay("note", *PAINTED, "result")
    g.start(
        "## Upscale and paste back\n\nThe crop is upscaled and put back into the full picture: "
        "pixels outside the face stay as they are. The upscaler, *RealESRGAN_x2.safetensors*, goes "
        "into *models/upscale_models*." + WEIGHTS + OWN_FILES + RESULT,
        height=740,
    )
    tracked = g.track()
    maps = g.maps(tracked["track"])
    g.group("Motion", tracked, maps)
    g.models()
    column, last = g.at["denoise"], g.at["result"]
    sampled = g.denoise(g.fuse(maps))
    model = g.node("UpscaleModelLoader", g.at["fuse"], models=[UPSCALER],
                   model_name=UPSCALER["name"])  # fmt: skip
    decoded = g.node("DecodeVideo", column, latent=g.under(sampled, "latent"), vae=g.vae["VAE"])
    larger = g.node(
        "ImageUpscaleWithModel", column, upscale_model=model["UPSCALE_MODEL"],
        image=g.under(decoded, "images"),
    )  # fmt: skip
    over = (g.left(g.at["maps"]) + 60, 50), (g.right(column) - 60, 50)
    beside = g.right(column) + 22
    pasted = g.node(
        "MagicPortraitPasteBack", last, track=tracked["track"].via(*over),
        images=larger["IMAGE"].via((beside, larger.bottom - 50), (beside, TOP + 40)),
    )  # fmt: skip
    saved = g.save(g.under(pasted, "video"), last)
    g.group("Result", sampled, decoded, larger, pasted, saved)


def control_net(g: Film) -> None:
    g.lay("note", "track", "maps", "loader", "text", "steer", "denoise", "result")
    g.start(
        "## Maps into a ControlNet\n\nThe depth of the moving face steers a stock SD1.5 "
        "checkpoint, frame by frame. No head model is needed: the tracker is *landmarks_only*. "
        "*depth_range* is *clip*, as ControlNets want it.\n\n### Before the first run\n"
        f"- *models/checkpoints*: *{SD15['name']}*, or any SD1.5 checkpoint.\n"
        f"- *models/controlnet*: *{DEPTH_NET['name']}*.\n\nWithout any download the "
        "workflow *01_preview* works." + OWN_FILES + "\n- All frames are painted at once, so the "
        "clip's length is the graphics card's memory: *frame_load_cap* of **Load Driving Video** "
        "shortens it." + RESULT,
        height=740,
    )
    tracked = g.track(tracker="landmarks_only")
    maps = g.maps(tracked["track"], TOP, depth_range="clip")
    g.group("Motion", tracked, maps)
    nets, words, steer, draw, last = (
        g.at[name] for name in ("loader", "text", "steer", "denoise", "result")
    )
    g.down_to(nets, 370)
    g.down_to(words, 480)
    g.down_to(steer, TOP + 50)
    over = (g.right(words) + 20, OVER)
    checkpoint = g.node("CheckpointLoaderSimple", nets, models=[SD15], ckpt_name=SD15["name"])
    wanted = g.node("CLIPTextEncode", words, "Wanted", height=60, clip=checkpoint["CLIP"],
                    text="a marble bust, studio light")  # fmt: skip
    unwanted = g.node("CLIPTextEncode", words, "Unwanted", height=60, clip=checkpoint["CLIP"],
                      text="")  # fmt: skip
    net = g.node("ControlNetLoader", words, models=[DEPTH_NET], control_net_name=DEPTH_NET["name"])
    g.group("Networks and prompts", checkpoint, wanted, unwanted, net)
    latents = g.node("VAEEncode", steer, pixels=maps["render"], vae=checkpoint["VAE"])
    control = g.node(
        "ControlNetApplyAdvanced", steer, positive=wanted["CONDITIONING"],
        negative=unwanted["CONDITIONING"], control_net=net["CONTROL_NET"],
        image=maps["depth"].via((g.right(words) + 10, 250)),
    )  # fmt: skip
    sampled = g.node(
        "KSampler", draw, model=checkpoint["MODEL"].via(over), positive=control["positive"],
        negative=control["negative"], latent_image=latents["LATENT"], steps=20, cfg=7.0,
        sampler_name="euler", scheduler="normal", denoise=1.0,
    )  # fmt: skip
    frames = g.node(
        "VAEDecode", last, samples=sampled["LATENT"],
        vae=checkpoint["VAE"].via((over[0], 50), (g.right(draw) - 20, 50)),
    )  # fmt: skip
    video = g.node(
        "CreateVideo", last, images=g.under(frames, "IMAGE"),
        audio=maps["audio"].via((g.right(g.at["maps"]) + 30, 28), (g.right(draw) + 10, 28)),
        fps=maps["fps"].via((g.right(g.at["maps"]) + 36, 8), (g.right(draw) + 4, 8)),
    )  # fmt: skip
    g.group("Result", frames, video, g.save(g.under(video, "VIDEO"), last))


def ksampler(g: Film) -> None:
    g.lay("note", *PAINTED)
    g.start(
        "## KSampler in place of Temporal Denoise\n\nThe model is a stock MODEL: any sampler and "
        "any patch that takes one works. Keep to *simple*, *euler* or *ddim*; *karras* and a *cfg* "
        "above 7 burn the picture." + WEIGHTS + OWN_FILES + RESULT,
        height=740,
    )
    maps = g.maps(g.track()["track"])
    g.group("Motion", g.tracked, maps)
    g.models()
    sampled = g.denoise(
        g.fuse(maps), "KSampler", name="latent_image", steps=20, cfg=3.5, sampler_name="euler",
        scheduler="simple", denoise=1.0,
    )  # fmt: skip
    g.film(sampled, "LATENT")


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
        "motion. The mirrored picture stands in place of your second portrait: put **Load Image** "
        "there, and another in place of the example's *portrait*. For more portraits copy "
        "**Reenact (Preview)** and **Save Video**. It needs no download." + RESULT,
        height=420,
    )
    example = g.node("MagicPortraitExample", 1)
    flipped = g.node(
        "ImageFlip", 1, "In place of your second portrait", image=g.under(example, "portrait"),
        flip_method="y-axis: horizontally",
    )  # fmt: skip
    g.group("Portraits and driver", example, flipped)
    g.down_to(2, 320)  # below the wires of the portraits
    face = g.node("MagicPortraitTrackFace", 2, room=SCRUBBER, driving=example["driving"])
    pictures = (example["portrait"], flipped["IMAGE"].via((g.right(2) + 25, 265)))
    for title, picture, top in zip(("First", "Second"), pictures, (TOP, 610), strict=True):
        for column in (3, 4):
            g.down_to(column, top)
        preview = g.node(
            "MagicPortraitPreview", 3, f"{title} portrait", portrait=picture,
            face_track=face["face_track"],
        )  # fmt: skip
        g.save(preview["video"], 4, f"MagicPortrait_{title.lower()}")


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
