"""Files that cannot be whole, told without reading their values."""

import pickle
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from magicportrait_core.weights.wholeness import checksum_fault, quick_fault

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
