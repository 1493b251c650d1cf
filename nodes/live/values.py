"""The values of a node's inputs as they stand in the page, which live pictures are made with."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ...magicportrait_core.errors import InputError


def known_values(sliders: object, names: Collection[str]) -> dict[str, float | str | bool]:
    """Those of ``names``; others, which scripts of the page may add to a node, are left out.

    Raises InputError where it is no object, or holds what no input does.
    """
    if not isinstance(sliders, Mapping):
        raise InputError("sliders must be an object of the node's inputs and their values")
    known = {name: sliders[name] for name in names if name in sliders}
    for name, value in known.items():
        if not isinstance(value, float | int | str):
            raise InputError(f"{name} must be a number, a text or true or false, got {value}")
    return known


def all_values(sliders: object, names: Collection[str]) -> dict[str, float | str | bool]:
    """The same where none of ``names`` may be missing."""
    known = known_values(sliders, names)
    missing = [name for name in names if name not in known]
    if missing:
        raise InputError(f"sliders must hold all of the node's inputs; missing: {missing}")
    return known
