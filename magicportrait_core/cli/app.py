"""All commands under one name, and how they fail: one sentence and an exit code."""

from __future__ import annotations

import re
import sys
from typing import Annotated

import typer
from typer.core import TyperGroup

from .. import __version__
from ..errors import MagicPortraitError
from . import batch, bench, demo, doctor, maps, reenact, still, track, weights
from .console import BAD_INPUT, say

INTERRUPTED = 130

#: The base of what is wrong with a command line. Typer has brought its own click since 0.26 and
#: exports only this descendant of it.
_ClickException = typer.BadParameter.__mro__[2]


class Commands(TyperGroup):
    """Turns errors into a sentence on stderr and an exit code; a bug keeps its traceback."""

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except MagicPortraitError as error:
            say(f"Error: {error}")
            raise typer.Exit(BAD_INPUT) from error
        except KeyboardInterrupt:
            say("Stopped: no half-written file is left.")
            raise typer.Exit(INTERRUPTED) from None

    def main(self, *args, **options):
        options["standalone_mode"] = False
        try:
            code = super().main(*args, **options)
        except _ClickException as error:
            say(f"Error: {_once(error.format_message())}")
            code = BAD_INPUT
        sys.exit(code if isinstance(code, int) else 0)


def _once(message: str) -> str:
    """What is wrong with a value, without what newer versions of Typer say of it again."""
    message = message.replace("': Value error, ", "': ")
    return re.sub(r"Input should be an? (valid )?(\w+), .*", r"must be a \2", message)


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"magicportrait {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def magicportrait(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="The version.")
    ] = False,
) -> None:
    """Bring a portrait to life: it moves as the face in a driving video moves."""
    if ctx.invoked_subcommand is None:
        print(ctx.get_help())


app.command("reenact")(reenact.reenact)
app.command("track")(track.track)
app.command("maps")(maps.maps)
app.command("still")(still.still)
app.command("demo")(demo.demo)
app.command("batch")(batch.batch)
app.command("doctor")(doctor.doctor)
app.command("bench")(bench.bench)
app.add_typer(weights.app, name="weights")
