"""The layering, read from the sources: who may import whom, and what is never written.

nodes and cli -> pipeline -> stages -> shared modules; stages never import one another.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.import_graph import ROOT, imports_of, package_of, sources

CORE = "magicportrait_core"

STAGES = {"video", "faces", "flame", "render", "preview", "diffusion"}
#: modules of the core that every stage may use, and that use none of them
SHARED = {
    "types",
    "checks",
    "errors",
    "fast_layers",
    "files",
    "light",
    "pictures",
    "threads",
    "topology",
    "tracks",
    "weights",
}

HOST = {
    "comfy",
    "comfy_api",
    "comfy_execution",
    "comfy_extras",
    "folder_paths",
    "latent_preview",
    "server",
}
#: what every install has: the only third-party names imported outside functions
REQUIRED = {"torch", "numpy", "scipy", "safetensors", "av", "PIL"}
CLI_ONLY = {"typer", "rich"}


def layer_of(module: str) -> str:
    """'magicportrait_core.faces.mesh' -> 'faces'; the package itself is ''."""
    return (module.split(".") + [""])[1]


def core_faults(path: str, source: str) -> list[str]:
    """What a file of the core imports against the rules."""
    own = layer_of(".".join(Path(path).with_suffix("").parts))
    allowed = REQUIRED | (CLI_ONLY if own == "cli" else set())
    depth = len(Path(path).parent.parts)
    faults = []
    for found in imports_of(source, package_of(path)):
        where = f"{path}:{found.line} imports {found.module}"
        if not found.level:
            if found.top in HOST | {"nodes"}:
                faults.append(f"{where}: the core runs without ComfyUI")
            elif found.top == CORE:
                faults.append(f"{where}: the core names itself by relative imports")
            elif found.top not in allowed | sys.stdlib_module_names and not found.deferred:
                faults.append(f"{where}: optional packages are imported where they are used")
            continue
        if found.top != CORE or found.level > depth:
            faults.append(f"{where}: outside the core")
        target = layer_of(found.module)
        if own in STAGES | SHARED and target not in SHARED and target not in {"", own}:
            faults.append(f"{where}: {own} may use only itself and {', '.join(sorted(SHARED))}")
        if own in SHARED and target in STAGES:
            faults.append(f"{where}: stages use {own}, never the other way")
    return faults


def node_faults(path: str, source: str) -> list[str]:
    """What a file of nodes/ imports against the rules. ``path`` starts with 'pack/nodes/'."""
    allowed = REQUIRED | HOST | {"aiohttp"} | sys.stdlib_module_names
    faults = []
    for found in imports_of(source, package_of(path)):
        where = f"{path}:{found.line} imports {found.module}"
        if found.level:
            continue
        if found.top in {CORE, "nodes"}:
            faults.append(f"{where}: the pack's folder has any name, use a relative import")
        elif found.top == "subprocess":
            faults.append(f"{where}: nodes start no programs")
        elif found.top not in allowed and not found.deferred:
            faults.append(f"{where}: nodes import with what a ComfyUI install has")
    return faults


def written_faults(path: str, source: str) -> list[str]:
    """Constructs that are never used in the core or the nodes."""
    faults = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            faults.append(f"{path}:{node.lineno} bare except")
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if name in {"eval", "exec"}:
            faults.append(f"{path}:{node.lineno} {name}")
        if name in {"pickle.load", "pickle.loads"}:
            faults.append(f"{path}:{node.lineno} {name}: loads anything")
        for keyword in node.keywords:
            off = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
            loose = keyword.arg == "weights_only" or (keyword.arg == "strict" and name != "zip")
            if off and loose:
                faults.append(f"{path}:{node.lineno} {keyword.arg}=False in {name}")
    return faults


def test_core_keeps_its_layers():
    faults = [f for path, text in sources(CORE).items() for f in core_faults(path, text)]
    assert not faults, "\n".join(faults)


def mutual(sources: dict[str, str]) -> set[frozenset[str]]:
    """Pairs of modules that import each other, in functions or out of them."""
    found = {
        path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): {
            one.module for one in imports_of(text, package_of(path))
        }
        for path, text in sources.items()
    }
    return {
        frozenset((one, other))
        for one, modules in found.items()
        for other in modules & set(found)
        if one in found[other]
    }


def test_no_two_modules_import_each_other():
    assert not mutual(sources(CORE))
    pair = {f"{CORE}/a.py": "def f():\n    from .b import g", f"{CORE}/b.py": "from .a import f"}
    assert mutual(pair) == {frozenset((f"{CORE}.a", f"{CORE}.b"))}


def test_nodes_need_only_the_host():
    faults = [f for path, text in sources("nodes").items() for f in node_faults(path, text)]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("folder", [CORE, "nodes"])
def test_nothing_loose_is_written(folder):
    faults = [f for path, text in sources(folder).items() for f in written_faults(path, text)]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("magicportrait_core/faces/mesh.py", "import comfy.utils"),
        ("magicportrait_core/pipeline.py", "from server import PromptServer"),
        ("magicportrait_core/pipeline.py", "def f():\n    import folder_paths"),
        ("magicportrait_core/cli/demo.py", "from magicportrait_core.types import FaceTrack"),
        ("magicportrait_core/preview/engine.py", "from ..faces.tracker import track_image"),
        ("magicportrait_core/preview/engine.py", "from .. import video"),
        ("magicportrait_core/preview/engine.py", "def f():\n    from ..pipeline import reenact"),
        ("magicportrait_core/types.py", "from .faces import mesh"),
        ("magicportrait_core/faces/mesh.py", "from ...nodes import convert"),
        ("magicportrait_core/faces/mesh.py", "from ...magicportrait_core import types"),
        ("magicportrait_core/faces/mesh.py", "from ....types import FaceTrack"),
        ("magicportrait_core/faces/mesh.py", "from .... import types"),
        ("magicportrait_core/faces/mesh.py", "import rich"),
        ("magicportrait_core/cli/track.py", "import matplotlib"),
    ],
)
def test_core_faults_are_seen(path, line):
    assert core_faults(path, line)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("magicportrait_core/cli/track.py", "import typer"),
        ("magicportrait_core/cli/track.py", "def plot():\n    import matplotlib.pyplot"),
        ("magicportrait_core/pipeline.py", "from .faces.tracker import track_faces"),
        ("magicportrait_core/faces/mesh.py", "from ..types import FaceTrack"),
        ("magicportrait_core/faces/mesh.py", "from .crop import soft_crop"),
    ],
)
def test_good_imports_pass(path, line):
    assert not core_faults(path, line)


@pytest.mark.parametrize("line", ["import magicportrait_core", "import numba", "import subprocess"])
def test_node_faults_are_seen(line):
    assert node_faults("nodes/preview.py", line)


@pytest.mark.parametrize(
    "line",
    [
        "try:\n    f()\nexcept:\n    pass",
        "eval('1')",
        "pickle.load(file)",
        "net.load_state_dict(state, strict=False)",
        "torch.load(path, weights_only=False)",
    ],
)
def test_written_faults_are_seen(line):
    assert written_faults("x.py", line)


def test_what_nodes_use_stays_light():
    """The core as nodes import it brings neither the host nor the command line's packages."""
    wanted = {CORE}
    for path, text in sources("nodes").items():
        for found in imports_of(text, "pack." + package_of(path)):
            if found.module.startswith(f"pack.{CORE}"):
                wanted.add(found.module.removeprefix("pack."))
    heavy = sorted(CLI_ONLY | HOST | {"matplotlib", "diffusers", "timm", "numba", "ray"})
    code = f"""
import importlib, sys
for name in {sorted(wanted)}:
    importlib.import_module(name)
print(",".join(name for name in {heavy} if name in sys.modules))
"""
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    assert len(wanted) > 5
    assert run.stdout.strip() == ""
