"""The catalogue: nothing in it contradicts itself."""

import re
from pathlib import Path

import pytest

from magicportrait_core.errors import InputError
from magicportrait_core.flame.library.files import PARTS
from magicportrait_core.flame.library.library import head_file, part_file
from magicportrait_core.flame.library.regressor_files import NETWORKS, regressor_file
from magicportrait_core.weights.catalog import CATALOG, entry_of, size_text
from magicportrait_core.weights.folders import KINDS


def test_every_file_once():
    assert len({e.key for e in CATALOG}) == len(CATALOG)
    files = [(e.kind, name) for e in CATALOG for name in e.files]
    assert len(set(files)) == len(files)


@pytest.mark.parametrize("entry", CATALOG, ids=lambda e: e.key)
def test_an_entry_says_what_a_user_needs(entry):
    assert entry.kind in KINDS
    assert entry.address.startswith("https://")
    assert entry.licence
    assert entry.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", entry.sha256)
    assert not (entry.registration and entry.remote)
    if entry.remote and entry.remote.revision:
        assert re.fullmatch(r"[0-9a-f]{40}", entry.remote.revision)
    sentence = entry.how_to_get(Path("models", entry.kind))
    assert all(word in sentence for word in (entry.name, "models", entry.address, entry.licence))
    assert ("weights download" in sentence) is (entry.remote is not None)
    assert ("register" in sentence) is entry.registration


def test_conversions_are_those_that_the_library_opens():
    stored = {name for e in CATALOG if e.kind == "flame" for name in e.stored}
    opened = {part_file(part) for part in PARTS} | {regressor_file(n) for n in NETWORKS}
    assert opened <= stored
    heads = {head_file(n) for n in ("flame2020_generic", "flame2023", "flame2023_open", "gnm_head")}
    assert stored - opened == heads


def test_found_converted_first_then_raw(tmp_path):
    entry = entry_of("flame2020")
    assert entry.found_in(tmp_path) is None
    (tmp_path / "generic_model.pkl").touch()
    assert entry.found_in(tmp_path).name == "generic_model.pkl"
    (tmp_path / "flame2020_generic.safetensors").touch()
    assert entry.found_in(tmp_path).name == "flame2020_generic.safetensors"


def test_another_key_is_answered_by_those_there_are():
    with pytest.raises(InputError, match=r"must be one of flame2020, .*got 'x'"):
        entry_of("x")


@pytest.mark.parametrize(
    ("size", "text"), [(4500, "4 kB"), (53_305_389, "53.3 MB"), (3_438_167_540, "3.44 GB")]
)
def test_sizes(size, text):
    assert size_text(size) == text
