"""``python -m magicportrait_core``: the same commands as ``magicportrait``."""

from .cli import main

if __name__ == "__main__":
    main()
