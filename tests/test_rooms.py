"""The folders stay small enough to read at a glance, and lean on one another in one direction."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.import_graph import circles, package_of, rooms_of, sources

CORE = "magicportrait_core"
#: modules of one folder, __init__.py aside: as many as fit a glance at a list
MOST = 18


@pytest.mark.parametrize("folder", [CORE, "nodes"])
def test_no_folder_is_crowded(folder):
    held = Counter(package_of(p) for p in sources(folder) if not p.endswith("/__init__.py"))
    crowded = {package: count for package, count in held.items() if count > MOST}
    assert not crowded, f"more than {MOST} modules, give them rooms: {crowded}"


@pytest.mark.parametrize("folder", [CORE, "nodes"])
def test_every_room_says_what_it_holds(folder):
    inits = [path for path in sources(folder) if path.endswith("/__init__.py")]
    assert {package_of(path) for path in sources(folder)} == {package_of(path) for path in inits}
    silent = [path for path in inits if not sources(folder)[path].startswith('"""')]
    assert not silent


@pytest.mark.parametrize("folder", [CORE, "nodes"])
def test_rooms_do_not_import_in_circles(folder):
    assert not circles(rooms_of(sources(folder)))


def test_circles_are_seen():
    files = {
        "core/__init__.py": "",
        "core/top.py": "from .a.one import x",
        "core/a/__init__.py": "",
        "core/a/one.py": "def f():\n    from ..b import two",
        "core/b/__init__.py": "",
        "core/b/two.py": "from ..shared import y\nfrom . import three",
        "core/b/three.py": "import os",
        "core/shared.py": "",
    }
    assert rooms_of(files) == {
        "core": set(),
        "core.top": {"core.a"},
        "core.a": {"core.b"},
        "core.b": {"core.shared"},
        "core.shared": set(),
    }
    assert circles(rooms_of(files)) == set()
    files["core/shared.py"] = "from .top import z"
    assert circles(rooms_of(files)) == {
        frozenset(("core.top", "core.a", "core.b", "core.shared")),
    }
