"""`magicportrait weights`: model files listed, downloaded, imported, verified, converted."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError
from . import options as opt
from . import weights_text as text
from .console import BAD_INPUT, print_json, say, watched

app = typer.Typer(context_settings={"help_option_names": ["-h", "--help"]})

Numbers = Enum("Numbers", {name: name for name in ("fp16", "bf16", "fp32")}, type=str)
_FAILED = 1  #: exit status where a file that was checked is bad


@app.callback(invoke_without_command=True)
def weights(ctx: typer.Context) -> None:
    """List, download, import, verify and convert model files."""
    if ctx.invoked_subcommand is None:
        print(ctx.get_help())


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="Official files, as they were downloaded.")],
    name: Annotated[
        str | None,
        typer.Option(
            "--as",
            help="What the file is, where content and name leave it open: flame2020_generic, "
            "flame2020_female, flame2020_male, flame2023, flame2023_open or a name of your own "
            "for a FLAME model; guidance_depth, guidance_normal, guidance_render, denoising_unet, "
            "reference_unet, sd15_unet for a diffusion file.",
        ),
    ] = None,
    models: opt.ModelsOption = None,
    as_json: opt.JsonOption = False,
) -> None:
    """Put official files into their places, converted where that is due. Originals are kept.

    What a file is, is told by its content. A bad one is reported and the others go on; the exit
    status is then 2.
    """
    from ..model_files.importing import import_any

    if name is not None and len(files) > 1:
        raise InputError(f"--as says what one file is, not {len(files)}: import it alone.")
    reports, errors = [], []
    with watched() as progress:
        for file in files:
            try:
                report = import_any(file, models, declared=name, progress=progress)
            except (InputError, OSError) as error:
                errors.append({"file": str(file), "error": str(error)})
                say(f"Error: {error}")
                continue
            reports.append(report)
            if not as_json:
                text.print_import(report)
    if as_json:
        print_json({"imports": [text.import_values(r) for r in reports], "errors": errors})
    if errors:
        raise typer.Exit(BAD_INPUT)


@app.command("list")
def list_(models: opt.ModelsOption = None, as_json: opt.JsonOption = False) -> None:
    """Show every file: whether it is here, what it is for, where from, under which licence."""
    from ..model_files.listing import combined_file, glance_all
    from ..weights.folders import models_folder

    folder = models_folder(models)
    found = glance_all(folder)
    if as_json:
        combined = combined_file(folder)
        rows = text.list_values(found, folder)
        print_json({"files": rows, "combined": combined and str(combined)})
        return
    text.print_list(found, folder, combined_file(folder))


@app.command("download")
def download_(
    keys: Annotated[
        list[str],
        typer.Argument(
            help="Which, as `weights list` names them; diffusion: all that the diffusion models "
            "need and that is not here."
        ),
    ],
    models: opt.ModelsOption = None,
    as_json: opt.JsonOption = False,
) -> None:
    """Download files that need no registration, check them, convert them where that is due."""
    from ..weights.catalog import WHOLE_SET, entry_of

    for key in keys:
        if key != WHOLE_SET:
            entry_of(key)
    rows = []
    with watched() as progress:
        for key in keys:
            if key == WHOLE_SET:
                rows += _download_missing(models, progress, as_json)
            else:
                rows.append(_download_one(key, models, progress, as_json))
    if as_json:
        print_json({"files": rows})


def _download_missing(models, progress, quiet: bool) -> list[dict]:
    from ..model_files.downloads import download_missing, missing_keys
    from ..weights.catalog import entry_of, size_text

    keys = missing_keys(models)
    size = sum(entry_of(key).size or 0 for key in keys)
    told = f"{len(keys)} files, about {size_text(size)}" if keys else "Nothing"
    say(f"{told} to download for the diffusion models.")
    for licence in dict.fromkeys(entry_of(key).licence for key in keys):
        say(f"Licence: {licence}")
    if "denoising_unet" in keys:
        say("What these lack of their networks is downloaded after them: up to 5.3 GB.")
    return [_tell(made, quiet) for made in download_missing(models, progress)]


def _download_one(key: str, models, progress, quiet: bool) -> dict:
    from ..model_files.downloads import download_entry
    from ..weights.catalog import entry_of
    from ..weights.folders import kind_folder

    entry = entry_of(key)
    say(f"{entry.name}: licence {entry.licence}; from {entry.address}")
    made = download_entry(key, models, progress)
    if not entry.stored:
        return _tell(made, quiet)
    from ..flame.importers.convert import import_file

    report = import_file(made.path, kind_folder(entry.kind, models), progress=progress)
    if not quiet:
        text.print_import(report)
    return {"file": str(made.path), "told": made.told, "import": text.import_values(report)}


def _tell(made, quiet: bool) -> dict:
    if not quiet:
        print(f"{made.path}: {made.told}")
    return {"file": str(made.path), "told": made.told, "import": None}


@app.command("verify")
def verify_(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Which; else all in the models folder.")
    ] = None,
    models: opt.ModelsOption = None,
    as_json: opt.JsonOption = False,
) -> None:
    """Read files whole: what each is, whether it is whole, in its place, and the one published.

    The exit status is 1 where one is bad.
    """
    from ..model_files.check import BAD, check_files

    checks = []
    with watched() as progress:
        for check in check_files(tuple(files or ()), models, progress):
            checks.append(check)
            if not as_json:
                text.print_check(check)
    if as_json:
        print_json({"files": [text.check_values(check) for check in checks]})
    elif not checks:
        print("There are no files of weights in the models folder.")
    if any(check.state == BAD for check in checks):
        raise typer.Exit(_FAILED)


@app.command("convert")
def convert_(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Else magicportrait_DTYPE.safetensors beside them."),
    ] = None,
    dtype: Annotated[Numbers, typer.Option(help="The type of numbers.")] = Numbers["fp16"],
    models: opt.ModelsOption = None,
    as_json: opt.JsonOption = False,
) -> None:
    """Write the diffusion models into one file, with the prompt's embedding: no CLIP in a run."""
    from ..diffusion.checkpoints.combined import convert_models
    from ..diffusion.checkpoints.model_files import find_model_files
    from ..diffusion.checkpoints.model_folders import combined_name
    from ..weights.folders import kind_folder

    folder = kind_folder("magicportrait", models)
    files = find_model_files(folder.parent, combined=False)
    output = output or folder / combined_name(dtype.value)
    with watched() as progress:
        made = convert_models(files, output, dtype.value, progress)
    if as_json:
        print_json(text.converted_values(made))
    else:
        text.print_converted(made, folder)


@app.command("make-tiny")
def make_tiny_(
    folder: Annotated[Path, typer.Argument(help="A models folder; it is made where missing.")],
    golden_widths: Annotated[
        bool, typer.Option("--golden-widths", help="Text of 32 channels, not CLIP's 768.")
    ] = False,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 0,
    as_json: opt.JsonOption = False,
) -> None:
    """Write tiny diffusion models with random weights: their pictures are noise, for tests only."""
    from ..diffusion.checkpoints.tiny_models import make_tiny

    paths = make_tiny(folder, golden_widths, seed)
    if as_json:
        print_json({"files": [str(path) for path in paths]})
        return
    for path in paths:
        print(path)
    print("Random weights: what they draw is noise. Name this folder by --models.")
