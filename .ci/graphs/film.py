"""What the workflows have in common: notes, files to download, and the nodes from a portrait and a
driver to a film."""

from __future__ import annotations

from graph import Graph, Node

PROMPT = "A close up of a person."
OWN_FILES = """

**With your own files**
- Put **Load Image** in place of the example's *portrait*: one picture with one face.
- Put **Load Driving Video** in place of its *driving*: the clip whose motion is taken over."""
WEIGHTS = """

**Before the first run**
- The paper's files go into *models/magicportrait*; **Model Loader** names what is missing and \
where it comes from, or set its *if_missing* to *download*.
- *clip_l.safetensors* goes into *models/text_encoders*, the VAE into *models/vae*.
- A head model goes into *models/flame*: FLAME by registration, or GNM without one, by **Head \
Loader**."""
RESULT = "\n\nThe result lies in ComfyUI's *output/video* folder, with the driver's sound."


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


class Film(Graph):
    """What most of the graphs have in common."""

    def track(self, column: int = 1, room: int = 650) -> Node:
        """Example pictures and their track. room: px below, for the scrubber that a run opens."""
        self.example = self.node("MagicPortraitExample", column)
        self.tracked = self.node(
            "FLAMETrack", column,
            driving=self.example["driving"], portrait=self.example["portrait"],
        )  # fmt: skip
        self.group("Portrait and driver", self.example, self.tracked, room=room)
        return self.tracked

    def maps(self, track, column: int = 2) -> Node:
        return self.node("RenderGeometryMaps", column, track=track)

    def models(self, column: int = 2) -> None:
        """Networks, prompt and VAE."""
        self.loader = self.node("MagicPortraitModelLoader", column)
        clip = self.node(
            "CLIPLoader", column, models=[CLIP], clip_name=CLIP["name"], type="stable_diffusion"
        )
        self.vae = self.node("VAELoader", column, models=[VAE], vae_name=VAE["name"])
        self.text = self.node("CLIPTextEncode", column, "Prompt", height=90, clip=clip["CLIP"],
                              text=PROMPT)  # fmt: skip
        self.group("Networks and prompt", self.loader, clip, self.vae, self.text)

    def fuse(self, maps: Node, column: int = 3, **more) -> Node:
        return self.node(
            "FaceMotionFusion", column, reference=self.loader["reference"],
            portrait_crop=self.tracked["portrait_crop"], vae=self.vae["VAE"],
            positive=self.text["CONDITIONING"], maps=maps["maps"], **more,
        )  # fmt: skip

    def denoise(self, fused: Node, model=None, column: int = 4, **settings) -> Node:
        return self.node(
            "TemporalDenoise", column, model=model or self.loader["model"],
            positive=fused["positive"], negative=fused["negative"], latent=fused["latent"],
            **settings,
        )  # fmt: skip

    def decode(self, latent, column: int = 5) -> Node:
        return self.node("DecodeVideo", column, latent=latent, vae=self.vae["VAE"])

    def save(self, video, column: int = 5, name: str = "MagicPortrait") -> Node:
        return self.node(
            "SaveVideo", column, height=360, video=video, filename_prefix=f"video/{name}"
        )

    def film(self, latent, column: int = 5) -> None:
        """Decoded and saved."""
        decoded = self.decode(latent, column)
        self.group("Result", decoded, self.save(decoded["video"], column))
