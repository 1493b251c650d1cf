"""Files of numpy: nothing is taken at its word."""

import io
import zipfile

import numpy as np
import pytest

from magicportrait_core.errors import InputError
from magicportrait_core.weights.arrays import load_npy, open_npz


class TouchesAFile:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "?", "U3"])
def test_npy_comes_back(tmp_path, dtype):
    made = np.arange(6).reshape(2, 3).astype(dtype)
    for array in (made, made.T, made[0, 0]):
        np.save(tmp_path / "x.npy", array)
        np.testing.assert_array_equal(load_npy(tmp_path / "x.npy"), array)


def test_a_dict_in_a_npy_comes_back(tmp_path):
    np.save(tmp_path / "x.npy", {"a": np.arange(3)})
    assert load_npy(tmp_path / "x.npy")["a"].tolist() == [0, 1, 2]


def test_a_call_in_a_npy_is_refused(tmp_path):
    np.save(tmp_path / "x.npy", {"a": TouchesAFile(tmp_path / "marker")}, allow_pickle=True)
    with pytest.raises(InputError, match=r"x\.npy is refused: it asks for io\.open"):
        load_npy(tmp_path / "x.npy")
    assert not (tmp_path / "marker").exists()


def header(shape, dtype="<f4"):
    file = io.BytesIO()
    values = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, values)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        header((10**9, 10**6)) + b"\0" * 8,
        header((2,)) + b"\0" * 4,
        header((2,)) + b"\0" * 12,
        header((2,), "|O"),
        header((2,))[:30],
        b"\x93NUMPY\x09\x00" + header((2,))[8:],
        b"",
    ],
)
def test_damaged_npy(tmp_path, data):
    (tmp_path / "x.npy").write_bytes(data)
    with pytest.raises(InputError, match=r"^x\.npy is no"):
        load_npy(tmp_path / "x.npy")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_one_array_at_a_time(tmp_path, save):
    made = {"a": np.arange(24.0).reshape(4, 3, 2), "b": np.asfortranarray(np.eye(3))}
    save(tmp_path / "x.npz", **made)
    with open_npz(tmp_path / "x.npz") as file:
        assert {name: h.shape for name, h in file.headers.items()} == {"a": (4, 3, 2), "b": (3, 3)}
        for name, array in made.items():
            np.testing.assert_array_equal(file.read(name), array)
            np.testing.assert_array_equal(np.stack(list(file.rows(name))), array)


def archive(path, **members):
    with zipfile.ZipFile(path, "w") as file:
        for name, data in members.items():
            file.writestr(f"{name}.npy", data)


def test_an_npz_that_promises_too_much(tmp_path):
    archive(tmp_path / "x.npz", a=header((10**9, 10**6)) + b"\0" * 8)
    with (
        pytest.raises(InputError, match=r"x\.npz .*not as long as it says"),
        open_npz(tmp_path / "x.npz"),
    ):
        pass


def test_objects_in_a_npz_are_left_alone(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.array([TouchesAFile(tmp_path / "marker")], object))
    with open_npz(tmp_path / "x.npz") as file, pytest.raises(InputError, match="holds objects"):
        file.read("a")
    assert not (tmp_path / "marker").exists()


def test_a_truncated_npz(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.zeros(1000))
    data = (tmp_path / "x.npz").read_bytes()
    (tmp_path / "x.npz").write_bytes(data[:4000])
    with (
        pytest.raises(InputError, match=r"x\.npz is no whole numpy file"),
        open_npz(tmp_path / "x.npz"),
    ):
        pass


def test_an_npz_whose_values_were_changed(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.zeros(1000))
    data = bytearray((tmp_path / "x.npz").read_bytes())
    data[4000] ^= 1
    (tmp_path / "x.npz").write_bytes(data)
    with open_npz(tmp_path / "x.npz") as file, pytest.raises(InputError, match="CRC"):
        file.read("a")


def test_an_npz_of_endless_arrays(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as file:
        for number in range(1001):
            file.writestr(f"{number}.npy", b"")
    with pytest.raises(InputError, match="it has 1001 arrays"), open_npz(tmp_path / "x.npz"):
        pass
