"""Every file of weights: what it is for, where it comes from, under which licence.

A sha256 stands here where it was published, or found in agreement by independent sources. The
others are "unverified": what arrives first is recorded and held to ever after, and must pass the
checks of shape and name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..checks import check_choice
from .advice import downloading

WHOLE_SET = "diffusion"  #: stands for all that the diffusion models need


@dataclass(frozen=True)
class Remote:
    """A file in a repository of the Hugging Face hub that needs no registration."""

    repo: str
    path: str
    revision: str | None = None  #: a commit; None: main, as it is at the first download


@dataclass(frozen=True)
class Entry:
    """One file."""

    key: str
    purpose: str
    files: tuple[str, ...]  #: names it is known by, below the kind's folder; the first is ours
    kind: str  #: one of `folders.KINDS`
    address: str  #: where a user finds it
    licence: str  #: what to tell the user
    size: int | None = None  #: bytes, about; None: not known
    registration: bool = False  #: the address asks for an account and consent
    stored: tuple[str, ...] = ()  #: what it is converted to, one of them; (): used as it is
    remote: Remote | None = None
    sha256: str | None = None
    beside: str = ""  #: what it needs besides: "with ...", "" for nothing

    @property
    def name(self) -> str:
        return self.files[0]

    @property
    def origin(self) -> str:
        """The file and where a user finds it."""
        return f"{self.name} of {self.address}"

    @property
    def right_one(self) -> str:
        """Where the right file comes from: an imperative."""
        return f"take {self.name} from {self.address}"

    @property
    def site(self) -> str:
        """The address without what lies below a site or a repository."""
        return self.address.split("/tree/")[0].removesuffix("/download.php")

    def found_in(self, folder: Path) -> Path | None:
        """The file, converted or as it was downloaded, in the kind's folder."""
        return _first_file(folder / name for name in (*self.stored, *self.files))

    def how_to_get(self, folder: Path) -> str:
        """What to do where it is missing: file, folder, size, address, licence."""
        size = "" if self.size is None else f", about {size_text(self.size)}"
        way = downloading(self.key, self.kind, folder) if self.remote else None
        if way is not None:
            action = f"{way}, or take it from"
        elif self.registration:
            action = "register at and download it from"
        else:
            action = "download it from"
        return (
            f"{self.name} ({self.purpose}{size}) is not in {folder}: {action} {self.address} and "
            f"put it there{self.beside and ', '}{self.beside}. Licence: {self.licence}."
        )


def how_to_get_all(keys: Iterable[str], folder: Path) -> str:
    """What to do where several files of the diffusion models are missing, in one paragraph."""
    entries = [entry_of(key) for key in keys]
    if len(entries) == 1:
        return entries[0].how_to_get(folder)
    places: dict[tuple[str, str], list[str]] = {}
    for entry in entries:
        size = "" if entry.size is None else f" ({size_text(entry.size)})"
        told = f"{entry.name}{size}"
        places.setdefault((entry.address, entry.licence), []).append(told)
    way = downloading(WHOLE_SET, "magicportrait", folder)
    way = "" if way is None else f"{way}, or "
    texts = (
        f"{', '.join(names)} from {address} (licence: {licence})"
        for (address, licence), names in places.items()
    )
    return (
        f"{len(entries)} files of the diffusion models are not in {folder}: {way}put them there "
        f"by hand: {'; '.join(texts)}."
    )


def size_text(size: int) -> str:
    """Bytes as people say them: 53 MB."""
    for unit, scale in (("GB", 10**9), ("MB", 10**6)):
        if size >= scale:
            return f"{size / scale:.3g} {unit}"
    return f"{max(1, round(size / 1000))} kB"


def entry_of(key: str) -> Entry:
    """The entry of a key. Raises InputError naming the keys there are."""
    check_choice("the file's key", key, tuple(e.key for e in CATALOG))
    return next(e for e in CATALOG if e.key == key)


def head_entry_named(file: str) -> Entry | None:
    """The entry of head models whose file is called so, as it comes or converted."""
    low = file.lower()
    return next(
        (e for e in (*HEADS, *PARTS) if low in {n.lower() for n in (*e.files, *e.stored)}), None
    )


def safe_name(name: str) -> str:
    """The name of one of the paper's files after it was rewritten as .safetensors."""
    return str(PurePosixPath(name).with_suffix(".safetensors"))


def _first_file(paths: Iterable[Path]) -> Path | None:
    return next((path for path in paths if path.is_file()), None)


_FLAME_SITE = "https://flame.is.tue.mpg.de/download.php"
_FLAME_LICENCE = "FLAME's own, for each file and version: read it at the source"
_DECA, _DECA_LICENCE = "https://github.com/yfeng95/DECA", "non-commercial"
_BESIDE_FLAME = f"with landmark_embedding.npy and head_template.obj of {_DECA}"
_SMIRK, _SMIRK_LICENCE = "https://github.com/georgeretsi/smirk", "MIT (its code)"
_SD15 = "stable-diffusion-v1-5/stable-diffusion-v1-5"
_SD15_LICENCE = "CreativeML OpenRAIL-M"
_PAPER = "mengtingwei/MagicPortrait"
_PAPER_LICENCE = "Apache-2.0, as its page says; its GitHub repository has no licence file"


def _hub(repo: str) -> str:
    return f"https://huggingface.co/{repo}"


def _flame(key: str, purpose: str, files: tuple[str, ...], name: str, licence: str) -> Entry:
    stored = (f"{name}.safetensors",)
    return Entry(
        key, purpose, files, "flame", _FLAME_SITE, licence, 53_000_000, True, stored=stored,
        beside=_BESIDE_FLAME,
    )  # fmt: skip


def _part(key, purpose, files, part, address, licence, size, registration=False) -> Entry:
    stored = (f"flame_{part}.safetensors",)
    return Entry(key, purpose, files, "flame", address, licence, size, registration, stored)


def _sd15(key: str, purpose: str, path: str, size: int, sha256: str | None) -> Entry:
    file = f"stable-diffusion-v1-5/{path}"
    return Entry(
        key, purpose, (file,), "magicportrait", _hub(_SD15), _SD15_LICENCE, size,
        remote=Remote(_SD15, path), sha256=sha256,
    )  # fmt: skip


def _paper(key: str, purpose: str, file: str, tensors: int) -> Entry:
    """Sizes are of float32, which nobody has compared with the files."""
    return Entry(
        key, purpose, (file, safe_name(file)), "magicportrait", _hub(_PAPER), _PAPER_LICENCE,
        4 * tensors, remote=Remote(_PAPER, file),
    )  # fmt: skip


HEADS = (
    _flame(
        "flame2020", "head model FLAME 2020 generic, the paper's",
        ("generic_model.pkl",), "flame2020_generic", _FLAME_LICENCE,
    ),
    _flame("flame2023", "head model FLAME 2023", ("flame2023.pkl",), "flame2023", _FLAME_LICENCE),
    _flame(
        "flame2023_open", "head model FLAME 2023 Open",
        ("flame2023_Open.pkl", "FLAME2023_Open.pkl"), "flame2023_open",
        "said to be CC-BY-4.0: read it at the source",
    ),
    Entry(
        "gnm_head", "head model GNM Head v3, which needs no registration", ("gnm_head.npz",),
        "flame", _hub("google/gnm-v3"), "Apache-2.0", 53_000_000, stored=("gnm_head.safetensors",),
        remote=Remote(
            "google/gnm-v3", "v3_0/gnm_head.npz", "c01e90d298d82301f9fd18f54806be751775cb7c"
        ),
        sha256="61d78bbfb4ad8e0b38495804a4caef3214d3df00f8c3f68761e63b41ce3747eb",
    ),
)  # fmt: skip

#: what goes with FLAME, and the networks that track it
PARTS = (
    _part(
        "flame_texture", "texture space of FLAME", ("FLAME_texture.npz",), "texture", _FLAME_SITE,
        _FLAME_LICENCE, 632_000_000, True,
    ),
    _part(
        "flame_uv", "texture coordinates of FLAME", ("head_template.obj",), "uv",
        f"{_DECA}/tree/master/data", _DECA_LICENCE, None,
    ),
    _part(
        "flame_landmarks", "landmarks of FLAME", ("landmark_embedding.npy",), "landmarks",
        f"{_DECA}/tree/master/data", _DECA_LICENCE, None,
    ),
    _part(
        "flame_mesh_points", "where face-mesh points lie on FLAME",
        ("mediapipe_landmark_embedding.npz",), "mesh_points", _FLAME_SITE, _FLAME_LICENCE, 4_500,
        True,
    ),
    _part(
        "left_eyelid", "how the left lid of FLAME shuts; goes with r_eyelid.npy",
        ("l_eyelid.npy",), "eyelids", f"{_SMIRK}/tree/main/assets", _SMIRK_LICENCE, 121_000,
    ),
    _part(
        "right_eyelid", "how the right lid of FLAME shuts; goes with l_eyelid.npy",
        ("r_eyelid.npy",), "eyelids", f"{_SMIRK}/tree/main/assets", _SMIRK_LICENCE, 121_000,
    ),
    Entry(
        "deca", "shape, texture, light and camera from a picture", ("deca_model.tar",), "flame",
        _DECA, _DECA_LICENCE, 434_000_000, stored=("deca_encoder.safetensors",),
    ),
    Entry(
        "smirk", "expression, jaw and eyelids from a picture", ("SMIRK_em1.pt",), "flame",
        _SMIRK, _SMIRK_LICENCE, None, stored=("smirk_encoder.safetensors",),
    ),
)  # fmt: skip

DIFFUSION = (
    _paper("denoising_unet", "denoising UNet", "denoising_unet.pth", 1_312_730_244),
    _paper("reference_unet", "reference UNet", "reference_unet.pth", 859_508_800),
    _paper("motion_module", "motion modules", "motion_module-47360.pth", 454_417_600),
    *(
        _paper(
            f"guidance_{of}", f"guidance encoder of {of} maps", f"guidance_encoder_{of}.pth",
            3_833_136,
        )
        for of in ("depth", "normal", "render")
    ),
    _sd15(
        "sd15_unet", "base of both UNets; not needed where denoising_unet.pth is complete",
        "unet/diffusion_pytorch_model.safetensors", 3_438_167_540,
        "19da7aaa4b880e59d56843f1fcb4dd9b599c28a1d9d9af7c1143057c8ffae9f1",
    ),
    _sd15(
        "sd15_text_encoder", "text encoder", "text_encoder/model.safetensors", 492_265_874,
        "d008943c017f0092921106440254dbbe00b6a285f7883ec8ba160c3faad88334",
    ),
    _sd15("sd15_vocab", "tokenizer, its words", "tokenizer/vocab.json", 1_060_000, None),
    _sd15("sd15_merges", "tokenizer, its merges", "tokenizer/merges.txt", 525_000, None),
    Entry(
        "vae", "picture codec", ("sd-vae-ft-mse/diffusion_pytorch_model.safetensors",),
        "magicportrait", _hub("stabilityai/sd-vae-ft-mse"), "MIT", 334_643_276,
        remote=Remote(
            "stabilityai/sd-vae-ft-mse", "diffusion_pytorch_model.safetensors",
            "31f26fdeee1355a5c34592e401dd41e45d25a493",
        ),
        sha256="a1d993488569e928462932c8c38a0760b874d166399b14414135bd9c42df5815",
    ),
)  # fmt: skip

CATALOG = (*HEADS, *PARTS, *DIFFUSION)
