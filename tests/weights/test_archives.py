"""Archives are looked at before they are unpacked, and real ones pass."""

import zipfile

import numpy as np
import pytest
import torch

from magicportrait_core.errors import InputError
from magicportrait_core.weights.archives import open_archive
from magicportrait_core.weights.wholeness import checksum_fault


def names(path):
    with open_archive(path) as archive:
        return archive.namelist()


def test_archives_of_torch_and_numpy_pass(tmp_path):
    torch.save({"a": torch.ones(3)}, tmp_path / "a.pt")
    assert "a/data.pkl" in names(tmp_path / "a.pt")
    np.savez(tmp_path / "a.npz", mean=np.zeros(3))
    np.savez_compressed(tmp_path / "b.npz", mean=np.zeros(3))
    assert names(tmp_path / "a.npz") == names(tmp_path / "b.npz") == ["mean.npy"]


def test_a_comment_at_the_end(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("mean.npy", b"")
        file.comment = bytes(range(1, 256)) * 200
    assert names(tmp_path / "a.npz") == ["mean.npy"]


def test_values_that_look_like_a_record(tmp_path):
    """Near the end of a file, where numbers may spell anything."""
    look_alike = b"PK\x06\x06" + b"\xff" * 52 + b"PK\x05\x05"
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("mean.npy", look_alike * 100)
    assert names(tmp_path / "a.npz") == ["mean.npy"]


@pytest.mark.parametrize("before", [b"x", b"PK\x03\x04" * 9])
def test_a_list_that_is_not_where_it_is_said_to_be(tmp_path, before):
    """zipfile moves along with what stands before an archive, torch does not."""
    torch.save({"a": torch.ones(3)}, tmp_path / "a.pt")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("mean.npy", b"")
    for name, says in (("a.pt", "records"), ("a.npz", "list of members")):
        path = tmp_path / name
        path.write_bytes(before + path.read_bytes())
        with pytest.raises(zipfile.BadZipFile, match=f"its .*{says}.* where .* should be"):
            open_archive(path)


def test_a_locked_member(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("mean.npy", b"abc")
    data = bytearray(path.read_bytes())
    data[data.rfind(b"PK\x01\x02") + 8] |= 1  # "encrypted"
    path.write_bytes(data)
    with pytest.raises(InputError, match="packed in a way that no such file is"):
        open_archive(path)
    assert "packed in a way" in checksum_fault(path)
