"""Which files the loader takes, extra_model_paths.yaml included; previews while it samples."""

from __future__ import annotations

from host import ARGUMENTS, error_of, report  # isort: skip  first: it finds the host

import asyncio
import os
import shutil
from pathlib import Path

import comfy.utils
import folder_paths
import pack
import tiny
from comfy.cli_args import LatentPreviewMethod, args
from host import run_node
from pack.magicportrait_core.diffusion.checkpoints.model_files import PARTS, read_part
from pack.magicportrait_core.diffusion.checkpoints.tiny_models import make_tiny
from pack.nodes.model_files import model_choice
from pack.nodes.model_files.model_choice import choose_files, files_state
from pack.nodes.model_files.model_folders import folders_of, listed
from pack.nodes.temporal_denoise import TemporalDenoise
from utils.extra_config import load_extra_path_config

ROOT = Path(ARGUMENTS[0])
OWN, EXTRA = ROOT / "models" / "magicportrait", ROOT / "elsewhere" / "portraits"


def names(files) -> dict[str, list[str]]:
    return {part: [str(p.relative_to(ROOT)) for p in paths] for part, paths in files.parts.items()}


def choose(**chosen) -> dict[str, list[str]]:
    return names(choose_files(chosen))


def fetched(key, folder, progress):
    """In place of a download."""
    asked.append((key, str(folder.relative_to(ROOT))))
    progress("download", 1, 2)
    path = folder / f"{key}.bin"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def stop(*_):
    raise RuntimeError("stop")


asked: list = []
(ROOT / "models").mkdir()
folder_paths.models_dir = str(ROOT / "models")
(ROOT / "extra.yaml").write_text(
    f"mine:\n  base_path: {EXTRA.parent}\n  magicportrait: portraits\n  flame: heads\n"
)
load_extra_path_config(str(ROOT / "extra.yaml"))
asyncio.run(asyncio.run(pack.comfy_entrypoint()).get_node_list())

nothing, listed_empty = error_of(choose_files, {}), listed("magicportrait", ["denoising_unet.pth"])
absent = error_of(
    choose_files, {"denoising_unet": "magicportrait_fp16.safetensors (not installed)"}
)
stranger = error_of(choose_files, {"denoising_unet": "other.pth"})
official = model_choice.download
model_choice.download = fetched
told = []
got = choose_files(
    {"denoising_unet": "denoising_unet.pth (not installed)"}, True, lambda *a: told.append(a)
)
cancelled = error_of(choose_files, {}, True, stop)
model_choice.download = official

make_tiny(ROOT / "made")
shutil.copytree(ROOT / "made" / "magicportrait", OWN, dirs_exist_ok=True)
shutil.rmtree(EXTRA, ignore_errors=True)
EXTRA.mkdir(parents=True)
shutil.move(OWN / "reference_unet.pth", EXTRA / "reference_unet.pth")
shutil.copy(OWN / "denoising_unet.pth", EXTRA / "tuned.pth")
found, before = choose(), files_state({})
sizes = {part: len(read_part(choose_files({}), part)[0]) for part in PARTS}
tuned = choose(denoising_unet="tuned.pth")
unchanged = files_state({})
os.utime(EXTRA / "reference_unet.pth", (0, 0))
after = files_state({})

args.preview_method = LatentPreviewMethod.Auto
seen = []
comfy.utils.set_progress_bar_global_hook(lambda value, total, preview, **_: seen.append(preview))
positive, negative, latent = tiny.fused(range(3))
settings = {
    "seed": 42, "steps": 3, "cfg": 3.5, "sampler": "magicportrait_ddim", "scheduler": "simple",
    "denoise": 1.0, "preset": "inherit", "window": 0, "overlap": 0,
}  # fmt: skip
seen.clear()
run_node(
    TemporalDenoise,
    model=tiny.model(),
    positive=positive,
    negative=negative,
    latent=latent,
    **settings,
)
report(
    folders=[str(folder.relative_to(ROOT)) for folder in folders_of("magicportrait")],
    heads=[str(folder.relative_to(ROOT)) for folder in folders_of("flame")],
    nothing=nothing,
    listed_empty=listed_empty,
    absent=absent,
    stranger=stranger,
    asked=asked,
    got=names(got),
    told=len(told),
    cancelled=cancelled,
    found=found,
    sizes=sizes,
    tuned=tuned,
    changed=[before != unchanged, before != after],
    previews=[list(p[1].size) for p in seen if p is not None],
)
