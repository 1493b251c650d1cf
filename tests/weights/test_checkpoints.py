"""Checkpoints of torch: tensors and nothing else."""

import os

import pytest
import torch

from magicportrait_core.errors import InputError
from magicportrait_core.weights.checkpoints import OLD_MAGIC, load_checkpoint, tensors_below


class Calls:
    def __init__(self, function, *args):
        self.call = (function, args)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("archive", [True, False])
def test_both_forms_are_read(tmp_path, archive):
    made = {"net": {"a": torch.rand(3)}, "step": 4}
    path = tmp_path / "x.tar"
    torch.save(made, path, _use_new_zipfile_serialization=archive)
    assert (path.read_bytes()[: len(OLD_MAGIC)] == OLD_MAGIC) is not archive
    read = load_checkpoint(path)
    assert read["step"] == 4
    assert torch.equal(read["net"]["a"], made["net"]["a"])


@pytest.mark.parametrize("archive", [True, False])
def test_a_call_is_refused(tmp_path, archive):
    marker = tmp_path / "marker"
    path = tmp_path / "x.pt"
    content = {"a": torch.ones(2), "b": Calls(os.system, f"touch {marker}")}
    torch.save(content, path, _use_new_zipfile_serialization=archive)
    with pytest.raises(InputError, match=r"x\.pt is refused.*system"):
        load_checkpoint(path)
    assert not marker.exists()


@pytest.mark.parametrize("archive", [True, False])
def test_a_truncated_file(tmp_path, archive):
    path = tmp_path / "x.pt"
    torch.save({"a": torch.rand(1000)}, path, _use_new_zipfile_serialization=archive)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(InputError, match=r"x\.pt cannot be read: it ends too early"):
        load_checkpoint(path)


def test_tensors_below_a_prefix():
    a, b = torch.ones(1), torch.zeros(1)
    state = {"module.net.a": a, "module.other.b": b, "n": 3}
    assert tensors_below(state, "net.", "module.net.") == {"a": a}
    assert tensors_below(state, "") == {"module.net.a": a, "module.other.b": b}
    assert tensors_below(state, "x.") == {}
    assert tensors_below([a], "") == {}


@pytest.mark.parametrize("archive", [True, False])
def test_what_is_wrong_is_said_in_words(tmp_path, archive):
    """Whatever torch raises, at whatever place the file is cut or changed."""
    whole, path = tmp_path / "whole.pt", tmp_path / "x.pt"
    torch.save({"a": torch.rand(400)}, whole, _use_new_zipfile_serialization=archive)
    data, seen = whole.read_bytes(), set()
    cuts = [data[:at] for at in (1, 10, 30, 100, len(data) // 2, len(data) - 5)]
    flips = [data[:at] + bytes([data[at] ^ 255]) + data[at + 1 :] for at in (5, 40, 80, 200, 300)]
    for content in (*cuts, *flips, b"hello world" * 10):
        path.write_bytes(content)
        try:
            load_checkpoint(path)
        except InputError as error:
            seen.add(str(error).partition("; nothing in it was run")[0])
    for words in ("it ends too early", "bytes in it are not what they were", "no checkpoint of"):
        assert any(words in text for text in seen), words
    assert not any("Error" in text for text in seen), seen
