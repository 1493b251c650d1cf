"""Where the files of the diffusion models may lie: this package's folder and ComfyUI's."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ...weights.catalog import safe_name

FOLDER = "magicportrait"  #: below the models folder
PROMPT_FILE = "prompt.safetensors"  #: the stored embedding of the paper's prompt
MOTION_FILE = "motion_module-47360.pth"
VAE_FILE = "sd-vae-ft-mse/diffusion_pytorch_model.safetensors"
SD15 = "stable-diffusion-v1-5"  #: diffusers' folder of Stable Diffusion 1.5

_SUFFIXES = (".safetensors", ".bin", ".ckpt", ".pth", ".pt")
_WEIGHTS = ("diffusion_pytorch_model", "diffusion_pytorch_model.fp16", "model", "pytorch_model")
#: how names of Stable Diffusion 1.5 as one file begin
_SD15_NAMES = ("v1-5", "v1_5", "sd15", "sd1.5", "sd-v1-5", "sd_v1-5", "sd-v1.5", "sd-1.5", SD15)
_CLIP_NAMES = ("clip_l.safetensors",)
#: of several combined files the most exact goes first
COMBINED = ("fp32", "fp16", "bf16")


@dataclass(frozen=True)
class ModelFolders:
    """Folders of each kind, the first that has a file counts. They need not exist."""

    own: tuple[Path, ...]  #: the paper's files, combined files, diffusers' folders
    vae: tuple[Path, ...] = ()  #: ComfyUI's models/vae
    checkpoints: tuple[Path, ...] = ()  #: ComfyUI's models/checkpoints
    diffusers: tuple[Path, ...] = ()  #: ComfyUI's models/diffusers
    text_encoders: tuple[Path, ...] = ()  #: ComfyUI's models/text_encoders, models/clip

    @staticmethod
    def of(models: str | os.PathLike | ModelFolders) -> ModelFolders:
        """Those inside a models folder."""
        if isinstance(models, ModelFolders):
            return models
        models = Path(models)
        return ModelFolders(
            (models / FOLDER,),
            (models / "vae",),
            (models / "checkpoints",),
            (models / "diffusers",),
            (models / "text_encoders", models / "clip"),
        )

    def file(self, name: str) -> Path | None:
        """A file of the paper's, as it comes or rewritten as .safetensors."""
        return self.file_of((name, safe_name(name)))

    def combined(self, dtypes: Iterable[str] = COMBINED) -> Path | None:
        """All parts in one; dtypes: which, in the order of preference."""
        return self.file_of(map(combined_name, dtypes))

    def file_of(self, names: Iterable[str]) -> Path | None:
        """The first of these names that is there."""
        return _first(folder / name for name in names for folder in self.own)

    def base_unet(self) -> Path | None:
        """Stable Diffusion 1.5's UNet: diffusers' folder, else a checkpoint in one file."""
        return self._diffusers("unet") or self.sd15_checkpoint()

    def text(self) -> Path | None:
        """The stored embedding, else a text encoder."""
        return self.file(PROMPT_FILE) or self.text_encoder()

    def text_encoder(self) -> Path | None:
        """Stable Diffusion 1.5's: of diffusers' folder, in a checkpoint, ComfyUI's CLIP-L."""
        return (
            self._diffusers("text_encoder")
            or self.sd15_checkpoint()
            or _first(folder / name for folder in self.text_encoders for name in _CLIP_NAMES)
        )

    def tokenizer(self) -> Path:
        """The folder of vocab.json and merges.txt; where it should be if it is nowhere."""
        folders = [folder / SD15 / "tokenizer" for folder in (*self.own, *self.diffusers)]
        return next((folder for folder in folders if folder.is_dir()), folders[0])

    def autoencoder(self) -> Path | None:
        """sd-vae-ft-mse, here or in ComfyUI's folder; else Stable Diffusion 1.5's own."""
        here = (folder / Path(VAE_FILE).parent for folder in self.own)
        return (
            _first(path for folder in here for path in _weights_in(folder))
            or _first(
                path
                for folder in (*self.own, *self.vae)
                for path in _files_in(folder)
                if "ft-mse" in path.name.lower().replace("_", "-")
            )
            or self._diffusers("vae")
            or self.sd15_checkpoint()
        )

    def sd15_checkpoint(self) -> Path | None:
        """Stable Diffusion 1.5 in one file, told by its name: finetunes have others."""
        return _first(
            path
            for folder in (*self.own, *self.checkpoints)
            for path in _files_in(folder)
            if is_sd15_name(path.name)
        )

    def _diffusers(self, part: str) -> Path | None:
        folders = (folder / SD15 / part for folder in (*self.own, *self.diffusers))
        return _first(path for folder in folders for path in _weights_in(folder))


def combined_name(dtype: str) -> str:
    """The name that a file of all parts is found by; dtype: fp16, bf16 or fp32."""
    return f"magicportrait_{dtype}.safetensors"


def is_sd15_name(name: str) -> bool:
    """Whether a file calls itself Stable Diffusion 1.5."""
    name = name.lower()
    return name.startswith(_SD15_NAMES) and "inpaint" not in name


def _weights_in(folder: Path) -> Iterator[Path]:
    """diffusers' and transformers' names, safetensors first."""
    for suffix in _SUFFIXES:
        yield from (folder / f"{stem}{suffix}" for stem in _WEIGHTS)


def _files_in(folder: Path) -> list[Path]:
    """Weights in a folder and in those below it, sorted; safetensors before pickles."""
    if not folder.is_dir():
        return []
    found = [p for p in folder.rglob("*") if p.suffix.lower() in _SUFFIXES]
    return sorted(found, key=lambda p: (_SUFFIXES.index(p.suffix.lower()), str(p)))


def _first(paths: Iterable[Path]) -> Path | None:
    return next((path for path in paths if path.is_file()), None)
