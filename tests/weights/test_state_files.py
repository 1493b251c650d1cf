"""State dicts from the disk."""

import pytest
import torch
from safetensors.torch import save_file

from magicportrait_core.errors import InputError
from magicportrait_core.weights.state_files import read_state

STATE = {"a.weight": torch.arange(600.0), "b.weight": torch.ones(1)}


@pytest.mark.parametrize("name", ["x.safetensors", "x.pth", "x.ckpt"])
def test_read(tmp_path, name):
    path = tmp_path / name
    if path.suffix == ".safetensors":
        save_file(STATE, path)
    else:
        torch.save({"state_dict": {f"module.{k}": t for k, t in STATE.items()}, "epoch": 1}, path)
    found = read_state(path)
    assert found.keys() == STATE.keys()
    assert all(torch.equal(found[key], STATE[key]) for key in STATE)


def test_safetensors_under_another_name(tmp_path):
    save_file(STATE, tmp_path / "x.pth")
    assert read_state(tmp_path / "x.pth").keys() == STATE.keys()
    torch.save(STATE, tmp_path / "x.safetensors")
    with pytest.raises(InputError, match=r"x\.safetensors is not what its name says"):
        read_state(tmp_path / "x.safetensors")


def test_what_cannot_be_read(tmp_path):
    path = tmp_path / "x.safetensors"
    with pytest.raises(InputError, match=r"x\.safetensors does not exist"):
        read_state(path)
    save_file(STATE, path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"x\.safetensors is damaged \(its end is missing\)"):
        read_state(path)
    path = tmp_path / "x.pth"
    torch.save(torch.ones(2), path)
    with pytest.raises(InputError, match="holds a Tensor, no tensors by name"):
        read_state(path)


@pytest.mark.parametrize("name", ["x.safetensors", "x.pth", "x.bin"])
@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "it is empty"),
        (b"<!DOCTYPE html><html>", "it is a web page or a pointer"),
        (b"version https://git-lfs.github.com/spec/v1", "it is a web page or a pointer"),
    ],
)
def test_what_a_browser_saves_in_a_files_place(tmp_path, name, content, fault):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"{name} is damaged \({fault}"):
        read_state(tmp_path / name)


def test_a_file_that_holds_itself_comes_to_an_end(tmp_path):
    content = {}
    content["state_dict"] = content
    torch.save(content, tmp_path / "x.pth")
    assert read_state(tmp_path / "x.pth") == {}
