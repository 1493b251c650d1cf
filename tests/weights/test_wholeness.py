"""Files that cannot be whole, told without reading their values."""

import pickle
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from magicportrait_core.diffusion.lora.lora import read_lora
from magicportrait_core.errors import InputError
from magicportrait_core.model_files.check import check_file
from magicportrait_core.weights.state_files import read_state
from magicportrait_core.weights.wholeness import checksum_fault, quick_fault, refusal_of
from tests.weights.bombs import zeros

MAKERS = {
    "a.pth": lambda path: torch.save({"a": torch.rand(500)}, path),
    "a.safetensors": lambda path: save_file({"a": torch.rand(500)}, path),
    "a.pkl": lambda path: path.write_bytes(pickle.dumps({"a": list(range(500))})),
    "a.npz": lambda path: np.savez(path, a=np.arange(500)),
    "a.npy": lambda path: np.save(path, np.arange(500)),
}


@pytest.mark.parametrize("name", MAKERS)
def test_whole_and_cut(tmp_path, name):
    path = tmp_path / name
    MAKERS[name](path)
    assert quick_fault(path) is None
    assert checksum_fault(path) is None
    path.write_bytes(path.read_bytes()[:-300])
    assert quick_fault(path)


def test_what_is_no_such_file(tmp_path):
    path = tmp_path / "a.pth"
    path.touch()
    assert quick_fault(path) == "it is empty"
    path.write_text("<!DOCTYPE html><html>")
    assert "web page" in quick_fault(path)
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0")
    assert "pointer" in quick_fault(path)
    assert "cannot be opened" in quick_fault(tmp_path / "none")


def test_a_changed_value_in_an_archive(tmp_path):
    path = tmp_path / "a.pth"
    torch.save({"a": torch.rand(5000)}, path)
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        info = next(i for i in archive.infolist() if i.file_size > 10_000)
    data[info.header_offset + 8000] ^= 1
    path.write_bytes(data)
    assert quick_fault(path) is None
    assert "checksum of a/data/0 in it does not hold (1 of" in checksum_fault(path)


@pytest.mark.parametrize("maker", ["archive", "old form", "pickle"])
def test_a_pickle_by_the_name_of_another(tmp_path, maker):
    """What it is and what to do; it is whole, not damaged."""
    path = tmp_path / "style.safetensors"
    if maker == "pickle":
        path.write_bytes(pickle.dumps({"a": 1}))
    else:
        torch.save({"a": torch.rand(5)}, path, _use_new_zipfile_serialization=maker == "archive")
    for read in (read_state, lambda path: read_lora(path, ())):
        with pytest.raises(InputError, match="it is a pickle, as") as error:
            read(path)
        assert "Rename it to style.pth" in str(error.value)
        assert "damaged" not in str(error.value)
    check = check_file(path, tmp_path)
    assert (check.state, check.what) == ("bad", "a pickle by a false name")
    renamed = path.rename(path.with_suffix(".pth"))
    assert refusal_of(renamed) is None
    if maker != "pickle":
        assert list(read_state(renamed)) == ["a"]


@pytest.mark.parametrize("length", [0x80, 0x4B50])
def test_a_header_whose_length_begins_as_another_file(tmp_path, length):
    """The first bytes of a safetensors are a number: here that of a pickle, of an archive."""
    path = tmp_path / "a.safetensors"
    entry = '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    header = entry.encode().ljust(length)
    path.write_bytes(length.to_bytes(8, "little") + header + b"\0" * 4)
    assert path.read_bytes().startswith((b"\x80", b"PK"))
    assert quick_fault(path) is None
    assert list(read_state(path)) == ["a"]


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ('{"a": ' + "[" * 50_000, "its list of tensors is damaged"),
        ('{"a": {"data_offsets": [0, "x"]}}', "its list of tensors is damaged"),
        ('{"a": {"data_offsets": [0]}}', "its list of tensors is damaged"),
        ('{"a": {"data_offsets": [0, Infinity]}}', "its list of tensors is damaged"),
        ('{"a": {"data_offsets": [0, 8]}}', "its end is missing"),
        ("{" + " " * 100_000_000, "its list of tensors has 100,000,001 bytes"),
    ],
)
def test_a_list_of_tensors_that_is_damaged(tmp_path, header, says):
    path = tmp_path / "a.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header.encode())
    assert quick_fault(path) == says


def test_an_archive_that_unpacks_without_end(tmp_path):
    path = tmp_path / "a.npz"
    zeros(path)
    assert "would unpack to 314,57" in checksum_fault(path)
