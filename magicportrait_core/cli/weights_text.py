"""What the commands of `magicportrait weights` print, and their JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from ..diffusion.checkpoints.combined import Converted
    from ..flame.importers.convert import ImportReport
    from ..model_files.check import FileCheck
    from ..model_files.listing import Glance

_MARKS = {
    "here": "[green]+[/]",
    "raw": "[green]~[/]",
    "bad": "[red]![/]",
    "served": "[green]=[/]",
    "missing": "[yellow]-[/]",
}


def import_values(report: ImportReport) -> dict:
    return {
        "kind": report.kind,
        "output": report.output and str(report.output),
        "what": report.what,
        "source": report.source,
        "licence": report.licence,
        "sha256": report.sha256,
        "notes": list(report.notes),
    }


def print_import(report: ImportReport) -> None:
    print(f"{report.source}: {report.what}; licence: {report.licence}")
    for note in report.notes:
        print(f"  {note}")
    if report.output is not None:
        print(f"  {report.output}")


def list_values(found: list[Glance], models: Path) -> list[dict]:
    return [
        {
            "key": one.entry.key,
            "file": one.entry.files[0],
            "purpose": one.entry.purpose,
            "folder": str(models / one.entry.kind),
            "found": str(one.path) if one.path and one.state != "served" else None,
            "state": one.state,
            "note": one.note,
            "download": one.entry.remote is not None,
            "registration": one.entry.registration,
            "address": one.entry.address,
            "licence": one.entry.licence,
            "bytes": one.size,
            "sha256": one.entry.sha256,
        }
        for one in found
    ]


def print_list(found: list[Glance], models: Path, combined: Path | None) -> None:
    from ..model_files.listing import STATES
    from ..weights.advice import downloading
    from ..weights.catalog import WHOLE_SET, size_text
    from ..weights.folders import KINDS

    console = Console(highlight=False, soft_wrap=True)
    for kind in KINDS:
        console.print(f"\n[bold]{models / kind}")
        if kind == "magicportrait" and combined is not None:
            console.print(f"  [green]+[/] {combined.name}: all parts in one")
        for one in found:
            entry = one.entry
            if entry.kind != kind:
                continue
            size = "" if one.size is None else f", {size_text(one.size)}"
            if one.converted:
                size += f" as {one.path.name}"
            way = (
                "download" if entry.remote else "registration" if entry.registration else "by hand"
            )
            head = f"  {_MARKS[one.state]} [bold]{entry.key}[/] {entry.name}{size}"
            console.print(f"{head}: {entry.purpose}")
            if one.note:
                style = "red" if one.state == "bad" else "dim"
                console.print(f"    {one.note}", style=style, markup=False)
            console.print(
                f"    {way}, {entry.address}; licence: {entry.licence}", style="dim", markup=False
            )
    console.print()
    for state, meaning in STATES.items():
        console.print(f"  {_MARKS[state]} {meaning}")
    needed = {one.entry.key for one in found if one.entry.kind == "magicportrait"}
    gone = {one.entry.key for one in found if one.state == "missing"} & needed
    if gone - {"sd15_unet", "sd15_vocab", "sd15_merges"}:
        way = downloading(WHOLE_SET, "magicportrait", models / "magicportrait")
        console.print(f"All that the diffusion models need: {way}", markup=False)


def check_values(check: FileCheck) -> dict:
    return {
        "file": str(check.path),
        "state": check.state,
        "what": check.what,
        "sha256": check.sha256,
        "notes": list(check.notes),
    }


def print_check(check: FileCheck) -> None:
    mark = {"verified": "[green]+[/]", "unverified": "[yellow]?[/]", "bad": "[red]![/]"}
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{mark[check.state]} {check.state:<10} ", end="")
    console.print(f"{check.path}: {check.what}", markup=False)
    for note in check.notes:
        console.print(f"    {note}", markup=False)
    if check.sha256:
        console.print(f"    sha256 {check.sha256}", style="dim", markup=False)


def converted_values(made: Converted) -> dict:
    from dataclasses import asdict

    return asdict(made) | {"output": str(made.output)}


def print_converted(made: Converted, folder: Path) -> None:
    """folder: where a run looks for such files."""
    from ..diffusion.checkpoints.model_folders import combined_name
    from ..weights.catalog import size_text

    print(f"{made.output}: {made.tensors} tensors, {made.dtype}, {size_text(made.size)}")
    for source in made.sources:
        print(f"  from {source.file} ({', '.join(source.parts)}); licence: {source.licence}")
    place = folder / combined_name(made.dtype)
    if made.output.absolute() == place.absolute():
        print("The files it was made of are no longer needed for a run.")
    else:
        print(f"A run reads it where it lies at {place}; until then it needs the others.")
