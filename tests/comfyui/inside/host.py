"""What every script of this folder begins with: the host's modules and the pack, without a server.

Run by the host's own Python from the host's folder; the pack's folder is the first argument.
Each script prints one JSON line of measurements, which the tests judge.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import SimpleNamespace

PACK = Path(sys.argv[1])
ARGUMENTS = sys.argv[2:]
sys.argv = ["main.py", "--cpu"]
sys.path.insert(0, str(Path.cwd()))

import comfy.options  # noqa: E402

comfy.options.enable_args_parsing()

import torch  # noqa: E402
import utils.install_util  # noqa: E402, F401  the host's "utils", before another takes the name

torch.set_num_threads(1)


def load_pack() -> None:
    spec = importlib.util.spec_from_file_location(
        "pack", PACK / "__init__.py", submodule_search_locations=[str(PACK)]
    )
    sys.modules["pack"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


load_pack()


def relative(a: torch.Tensor, b: torch.Tensor) -> float:
    """How far a is from b, as a part of b's size."""
    return ((a - b).norm() / b.norm()).item()


def error_of(call, *args, **kwargs) -> str:
    """The sentence that a call fails with; "" where it does not."""
    try:
        call(*args, **kwargs)
    except Exception as error:
        return str(error)
    return ""


def report(**measured) -> None:
    print("MEASURED " + json.dumps(measured))


def run_node(node, **inputs):
    """A node's outputs, run outside any graph."""
    node.hidden = SimpleNamespace(prompt=None, unique_id="1")
    return node.execute(**inputs).result
