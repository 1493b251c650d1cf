"""`magicportrait weights`: model files, imported, listed, downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import options as opt
from .console import print_json, say, watched

if TYPE_CHECKING:
    from ..flame.convert import ImportReport

app = typer.Typer(context_settings={"help_option_names": ["-h", "--help"]})


@app.callback(invoke_without_command=True)
def weights(ctx: typer.Context) -> None:
    """Import, list and download model files."""
    if ctx.invoked_subcommand is None:
        print(ctx.get_help())


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="Official files, as they were downloaded.")],
    name: Annotated[
        str | None,
        typer.Option("--as", help="Which FLAME it is, flame2020_generic ...; else guessed."),
    ] = None,
    models: opt.ModelsOption = None,
    as_json: opt.JsonOption = False,
) -> None:
    """Convert official files; what they are is told by their content. Originals are kept."""
    from ..flame.convert import import_file
    from ..weights.folders import kind_folder

    folder = kind_folder("flame", models)
    reports = []
    with watched() as progress:
        for file in files:
            reports.append(import_file(file, folder, declared=name, progress=progress))
            if not as_json:
                _print_import(reports[-1])
    if as_json:
        print_json({"imports": [_import_values(report) for report in reports]})


@app.command("list")
def list_(models: opt.ModelsOption = None, as_json: opt.JsonOption = False) -> None:
    """Show every file: whether it is here, what it is for, where from, under which licence."""
    from ..weights.catalog import CATALOG
    from ..weights.folders import KINDS, models_folder

    folders = {kind: models_folder(models) / kind for kind in KINDS}
    found = [(entry, entry.found_in(folders[entry.kind])) for entry in CATALOG]
    if as_json:
        rows = [
            {
                "key": entry.key,
                "file": entry.files[0],
                "purpose": entry.purpose,
                "folder": str(folders[entry.kind]),
                "found": path and str(path),
                "download": entry.remote is not None,
                "registration": entry.registration,
                "address": entry.address,
                "licence": entry.licence,
                "bytes": entry.size,
                "sha256": entry.sha256,
            }
            for entry, path in found
        ]
        print_json({"files": rows})
        return
    _print_list(found, folders)


@app.command("download")
def download_(
    key: Annotated[str, typer.Argument(help="Which one, as `weights list` names it.")],
    models: opt.ModelsOption = None,
    as_json: opt.JsonOption = False,
) -> None:
    """Download a file that needs no registration, check it, and convert it where that is due."""
    from ..weights.catalog import entry_of
    from ..weights.download import download
    from ..weights.folders import kind_folder

    entry = entry_of(key)
    folder = kind_folder(entry.kind, models)
    say(f"{entry.name}: licence {entry.licence}; from {entry.address}")
    with watched() as progress:
        path = download(key, folder, progress)
        report = None
        if entry.stored:
            from ..flame.convert import import_file

            report = import_file(path, folder, progress=progress)
    if as_json:
        print_json({"file": str(path), "import": report and _import_values(report)})
    elif report is None:
        print(path)
    else:
        _print_import(report)


def _import_values(report: ImportReport) -> dict:
    return {
        "kind": report.kind,
        "output": report.output and str(report.output),
        "what": report.what,
        "source": report.source,
        "licence": report.licence,
        "sha256": report.sha256,
        "notes": list(report.notes),
    }


def _print_import(report: ImportReport) -> None:
    print(f"{report.source}: {report.what}; licence: {report.licence}")
    for note in report.notes:
        print(f"  {note}")
    if report.output is not None:
        print(f"  {report.output}")


def _print_list(found: list, folders: dict[str, Path]) -> None:
    from rich.console import Console

    from ..weights.catalog import size_text

    console = Console(highlight=False, soft_wrap=True)
    for kind, folder in folders.items():
        console.print(f"\n[bold]{folder}")
        for entry, path in found:
            if entry.kind != kind:
                continue
            size = "" if entry.size is None else f", {size_text(entry.size)}"
            mark = "[green]+[/]" if path else "[yellow]-[/]"
            way = (
                "download" if entry.remote else "registration" if entry.registration else "by hand"
            )
            console.print(f"  {mark} [bold]{entry.key}[/] {entry.name}{size}: {entry.purpose}")
            console.print(
                f"    {way}, {entry.address}; licence: {entry.licence}", style="dim", markup=False
            )
