"""Who imports whom, read from the sources without running them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Import:
    line: int
    module: str  #: absolute: "torch.nn", "magicportrait_core.faces.mesh", "nodes.media.convert"
    level: int  #: dots in the source; 0 is an absolute import
    deferred: bool  #: inside a function

    @property
    def top(self) -> str:
        return self.module.split(".")[0]


def imports_of(source: str, package: str) -> Iterator[Import]:
    """Every import of a file of ``package`` (dotted). ``from . import a, b`` gives two.

    Dots that lead above the package's root end there: ``level`` tells how many there were.
    """
    parts = package.split(".")

    def visit(node: ast.AST, deferred: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, alias.name, 0, deferred)
        elif isinstance(node, ast.ImportFrom):
            base = parts[: max(len(parts) - node.level + 1, 0)] if node.level else []
            for name in [node.module] if node.module else [alias.name for alias in node.names]:
                yield Import(node.lineno, ".".join([*base, name]), node.level, deferred)
        inside = deferred or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for child in ast.iter_child_nodes(node):
            yield from visit(child, inside)

    yield from visit(ast.parse(source), False)


def package_of(path: str) -> str:
    """'magicportrait_core/faces/mesh.py' -> 'magicportrait_core.faces'."""
    return ".".join(Path(path).parent.parts)


def sources(folder: str) -> dict[str, str]:
    """Path below the repository -> content."""
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files, f"no Python files in {folder}"
    return {f.relative_to(ROOT).as_posix(): f.read_text(encoding="utf-8") for f in files}


def rooms_of(sources: dict[str, str]) -> dict[str, set[str]]:
    """Room -> the rooms it imports, in functions or out of them.

    A room is a folder without folders; the modules beside folders are a room each.
    """
    packages = {package_of(path) for path in sources}
    parents = {package.rpartition(".")[0] for package in packages}
    modules = {path.removesuffix(".py").replace("/", ".") for path in sources} | packages

    def room(module: str) -> str:
        folder = module if module in packages else module.rpartition(".")[0]
        return module if folder in parents else folder

    rooms: dict[str, set[str]] = {}
    for path, text in sources.items():
        own = room(path.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
        found = {one.module for one in imports_of(text, package_of(path))}
        rooms.setdefault(own, set()).update({room(one) for one in found & modules} - {own})
    return rooms


def circles(rooms: dict[str, set[str]]) -> set[frozenset[str]]:
    """The sets of rooms that import each other, straight or by way of others."""

    def reached(start: str) -> set[str]:
        found, ahead = set(), [start]
        while ahead:
            new = rooms.get(ahead.pop(), set()) - found
            found |= new
            ahead += new
        return found

    reach = {room: reached(room) for room in rooms}
    return {
        frozenset(other for other in reach[room] if room in reach.get(other, ()))
        for room in rooms
        if room in reach[room]
    }
