"""`magicportrait doctor`: what is here and what is not."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.console import Console

from ..weights.advice import command
from . import options as opt
from .console import print_json

if TYPE_CHECKING:
    from ..doctor import Part


def doctor(models: opt.ModelsOption = None, as_json: opt.JsonOption = False) -> None:
    """Show what is installed, which engine would run, what is missing and where it comes from."""
    from ..doctor import diagnose

    found = diagnose(models)
    if as_json:
        print_json(asdict(found))
        return
    console = Console(highlight=False, soft_wrap=True)
    packages = (f"{name} {number or 'missing'}" for name, number in found.packages.items())
    for label, text in (
        ("magicportrait", found.version),
        ("Python", f"{found.python} on {found.system}"),
        ("packages", ", ".join(packages)),
        ("FFmpeg", f"libavcodec {found.ffmpeg}, inside av"),
        ("devices", ", ".join(found.devices)),
        ("engine", f"[green]{found.engine.name}[/] ({found.engine.why})"),
        ("models", found.models),
        ("head models", ", ".join(found.heads) or "none"),
    ):
        console.print(f"[bold]{label:<14}[/] {text}")
    console.print("\n[bold]Trackers")
    console.print("  [green]+[/] landmarks: on any clip")
    for tracker in found.trackers:
        mark = "[green]+[/]" if tracker.ready else "[yellow]-[/]"
        console.print(f"  {mark} {tracker.name}: {tracker.why}")
    console.print("\n[bold]Shipped with the package")
    _print_parts(console, found.shipped)
    console.print("\n[bold]Model files")
    console.print(
        "Head tracking and the diffusion engine take these, the preview engine needs none of them: "
        f"{command('weights list')}."
    )
    _print_parts(console, found.files)


def _print_parts(console: Console, parts: tuple[Part, ...]) -> None:
    for part in parts:
        mark = "[green]+[/]" if part.present else "[yellow]-[/]"
        console.print(f"  {mark} {part.name}: {part.purpose}")
        console.print(f"    from {part.source}; licence: {part.licence}", style="dim")
