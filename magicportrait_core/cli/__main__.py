"""`python FOLDER/magicportrait_core/cli`: the same commands, from any folder.

It is for a Python on whose path the package is not, and which looks into no working folder: the
one that ComfyUI's Windows archive brings.
"""

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).absolute().parents[2])
    runpy.run_module("magicportrait_core", run_name="__main__")
