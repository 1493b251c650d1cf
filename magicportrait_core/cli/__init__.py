"""The command line. `magicportrait --help` starts fast: commands import the core as they run."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    from .app import app

    app(prog_name="magicportrait")
