"""What the workflows have in common: notes, files to download, and the nodes from a portrait and a
driver to a film."""

from __future__ import annotations

from graph import TOP, Graph, Node

from magicportrait_core.weights.catalog import DIFFUSION, entry_of, size_text

PROMPT = "A close up of a person."
OWN_FILES = """

### With your own files
- Put **Load Image** in place of the example's *portrait*: one picture with one face.
- Put **Load Driving Video** in place of its *driving*: the clip whose motion is taken over."""
RESULT = "\n\nThe result lies in ComfyUI's *output/video* folder, with the driver's sound."


def _sizes(*keys: str) -> str:
    return size_text(sum(entry_of(key).size for key in keys))


def _downloads() -> str:
    """What the graphs that paint need, each with its size."""
    paper = [entry.key for entry in DIFFUSION if entry.remote.repo == _PAPER]
    whole = sum(entry_of(key).size for key in paper) + _CLIP_SIZE + _VAE_SIZE
    whole += entry_of("gnm_head").size
    return f"""

### Before the first run
About {size_text(whole)} must be downloaded; without any download the workflow *01_preview* works.
- *models/magicportrait*: the paper's {len(paper)} files, {_sizes(*paper)}. *details* on **Load \
MagicPortrait Model** lists them; or set its *if_missing* to *download*.
- *models/text_encoders*: *{CLIP["name"]}*, {size_text(_CLIP_SIZE)}.
- *models/vae*: *{VAE["name"]}*, {size_text(_VAE_SIZE)}.
- A head model, {_sizes("gnm_head")}: add **Load Head Model**, set its *if_missing* to *download*, \
and wire it to the *head* of **FLAME Track**. That takes GNM, which needs no registration. FLAME, \
the paper's own, needs one and goes into *models/flame*."""


def _hub(repo: str, path: str, directory: str) -> dict:
    name, base = path.rsplit("/", 1)[-1], f"https://huggingface.co/{repo}/resolve/main"
    return {"name": name, "url": f"{base}/{path}", "directory": directory}


CLIP = _hub("comfyanonymous/flux_text_encoders", "clip_l.safetensors", "text_encoders")
VAE = _hub("stabilityai/sd-vae-ft-mse-original", "vae-ft-mse-840000-ema-pruned.safetensors", "vae")
SD15 = _hub(
    "Comfy-Org/stable-diffusion-v1-5-archive",
    "v1-5-pruned-emaonly-fp16.safetensors",
    "checkpoints",
)
DEPTH_NET = _hub(
    "comfyanonymous/ControlNet-v1-1_fp16_safetensors",
    "control_v11f1p_sd15_depth_fp16.safetensors",
    "controlnet",
)
UPSCALER = {
    "name": "RealESRGAN_x2.safetensors",
    "url": "https://huggingface.co/Comfy-Org/Real-ESRGAN_repackaged/resolve/main/"
    "RealESRGAN_x2.safetensors",
    "directory": "upscale_models",
}


_CLIP_SIZE, _VAE_SIZE = 246_000_000, 335_000_000  #: bytes
_PAPER = "mengtingwei/MagicPortrait"
WEIGHTS = _downloads()
#: px of the columns, by what stands in them; the newer page draws no node under 225
COLUMNS = {
    "note": 240, "track": 290, "face": 290, "edit": 290, "maps": 290, "loader": 252, "lora": 250,
    "text": 240, "fuse": 226, "steer": 226, "denoise": 250, "result": 260,
}  # fmt: skip
SCRUBBER, LIST = 650, 370  #: px that a run or a click on the badge opens below a node
OVER = 85  #: y of a wire led above the nodes


class Film(Graph):
    """What most of the graphs have in common."""

    def lay(self, *names: str) -> None:
        """What stands in the columns, from left to right."""
        self.at = {name: number for number, name in enumerate(names)}
        self.widths = tuple(COLUMNS[name] for name in names)

    def start(self, text: str, height: int) -> None:
        """The example's files, and below them what to know."""
        self.example = self.node("MagicPortraitExample", 0)
        self.group("Portrait and driver", self.example)
        self.down_to(0, self.example.bottom + 90)
        self.note(text, 0, height)

    def track(self, **more) -> Node:
        self.tracked = self.node(
            "FLAMETrack", self.at["track"], room=SCRUBBER, driving=self.example["driving"],
            portrait=self.example["portrait"], **more,
        )  # fmt: skip
        return self.tracked

    def maps(self, track, top: int = 210, **more) -> Node:
        """Below the wire of the portrait's crop."""
        self.down_to(self.at["maps"], top)
        return self.node("RenderGeometryMaps", self.at["maps"], room=SCRUBBER, track=track, **more)

    def models(self, lora: str | None = None, top: int = 370) -> None:
        """Networks, prompt and VAE, below the wires of the crop and the maps."""
        for name in {"loader", "lora"} & set(self.at):
            self.down_to(self.at[name], top)
        text = self.at["text"]
        self.down_to(text, top + 90)  # below the wires of the networks
        self.loader = self.node("MagicPortraitModelLoader", self.at["loader"], room=LIST)
        self.model, self.reference = self.loader["model"], self.loader["reference"]
        more = []
        if lora:
            loaded = self.node(
                "MagicPortraitLoraLoader", self.at["lora"], model=self.model,
                reference=self.reference, lora=lora,
            )  # fmt: skip
            report = self.node("PreviewAny", self.at["lora"], "What was matched",
                               height=110, source=self.under(loaded, "report"))  # fmt: skip
            self.model, self.reference, more = (
                loaded["model"],
                loaded["reference"],
                [loaded, report],
            )
        clip = self.node(
            "CLIPLoader", text, models=[CLIP], clip_name=CLIP["name"], type="stable_diffusion"
        )
        self.text = self.node("CLIPTextEncode", text, "Prompt", height=60,
                              clip=self.under(clip, "CLIP"), text=PROMPT)  # fmt: skip
        self.vae = self.node("VAELoader", text, models=[VAE], vae_name=VAE["name"])
        title = "Networks, LoRA and prompt" if lora else "Networks and prompt"
        self.group(title, self.loader, *more, clip, self.vae, self.text)

    def fuse(self, maps: Node, **more) -> Node:
        self.down_to(self.at["fuse"], TOP + 50)  # below the model's wire
        return self.node(
            "FaceMotionFusion", self.at["fuse"], reference=self.reference,
            portrait_crop=self.tracked["portrait_crop"], vae=self.vae["VAE"],
            positive=self.text["CONDITIONING"], maps=maps["maps"], **more,
        )  # fmt: skip

    def denoise(self, fused: Node, kind: str = "TemporalDenoise", **settings) -> Node:
        over = (self.right(self.at["text"]) + 20, OVER)
        latent = settings.pop("name", "latent")
        return self.node(
            kind, self.at["denoise"], model=self.model.via(over), positive=fused["positive"],
            negative=fused["negative"], **{latent: fused["latent"]}, **settings,
        )  # fmt: skip

    def save(self, video, column: int, name: str = "MagicPortrait") -> Node:
        return self.node(
            "SaveVideo", column, height=260, video=video, filename_prefix=f"video/{name}"
        )

    def film(self, sampled: Node, output: str = "latent") -> None:
        """Decoded and saved, below what sampled it."""
        column = self.at["denoise"]
        decoded = self.node(
            "DecodeVideo", column, latent=self.under(sampled, output), vae=self.vae["VAE"]
        )
        saved = self.save(self.under(decoded, "video"), column)
        self.group("Result", sampled, decoded, saved)
