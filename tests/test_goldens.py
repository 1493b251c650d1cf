"""The goldens against the production code, and the check itself against what is wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.goldens.registry import Family
from tests.goldens.rows import Computed, compare
from tests.verify_goldens import FAMILIES, REPLACED, check_file, golden_files, verify

ROOT = Path(__file__).resolve().parents[1]
GEOMETRY = ("align", "crops", "encoders", "flame", "render224", "render512")


@pytest.mark.parametrize("name", GEOMETRY)
def test_every_expected_tensor_is_met(goldens, name):
    folder = goldens / "geometry"
    ((path, family),) = [pair for pair in golden_files(folder) if pair[0].stem == name]
    rows = check_file(path, folder, family)
    assert rows
    wrong = [row for row in rows if row.ok is False]
    assert not wrong, "\n".join(map(str, wrong))
    assert name == "crops" or all(row.compared for row in rows)


def test_no_file_of_the_geometry_is_left_out(goldens):
    folder = goldens / "geometry"
    found = {path.stem: family for path, family in golden_files(folder)}
    assert set(GEOMETRY) <= set(found)
    assert None not in found.values()


def row(value: torch.Tensor, expected: torch.Tensor, **more):
    return compare("f", Computed("x", value, **more), expected)


def test_floats_are_ok_up_to_a_share_of_their_norm():
    expected = torch.tensor([3.0, 4.0])
    off = torch.tensor([0.0, 4e-5])
    found = row(expected + off, expected)
    assert found.compared
    assert found.ok
    assert found.rel == pytest.approx(8e-6, rel=0.05)
    assert found.max_abs == pytest.approx(4e-5, rel=0.05)
    assert found.pixels_off is None
    assert not row(expected + 2 * off, expected).ok
    assert row(expected + 2 * off, expected, rel_limit=2e-5).ok


def test_what_is_no_number_is_not_ok_and_still_json():
    found = row(torch.tensor([float("nan")]), torch.ones(1))
    assert (found.ok, found.max_abs, found.rel) == (False, None, None)
    from_zeros = row(torch.ones(1), torch.zeros(1))
    assert (from_zeros.ok, from_zeros.rel) == (False, None)
    assert row(torch.zeros(1), torch.zeros(1)).ok


def test_integers_are_exact_and_bytes_within_one():
    indices = torch.arange(5, dtype=torch.int32)
    assert row(indices.long(), indices).ok
    assert not row(indices.long() + (indices == 3), indices).ok
    levels = torch.tensor([0, 100, 255], dtype=torch.uint8)
    assert row(torch.tensor([1, 99, 255], dtype=torch.uint8), levels).ok
    assert not row(torch.tensor([2, 100, 255], dtype=torch.uint8), levels).ok


@pytest.mark.parametrize(("wrong", "ok"), [(20, True), (21, False)])
def test_twenty_pixels_of_a_map_may_be_off(wrong, ok):
    expected = torch.rand(1, 3, 8, 8)
    value = expected + 5e-5
    value[0, 1].view(-1)[:wrong] += 1.0
    value[0, 2].view(-1)[:wrong] += 1.0  # the same pixels
    found = compare("f", Computed.picture("x", value), expected)
    assert (found.pixels_off, found.ok) == (wrong, ok)
    indices = torch.zeros(1, 8, 8, dtype=torch.int32)
    other = indices.clone()
    other.view(-1)[:wrong] = 7
    found = compare("f", Computed.buffer("x", other), indices)
    assert (found.pixels_off, found.ok) == (wrong, ok)
    assert not compare("f", Computed.buffer("x", other, 0), indices).ok


def test_another_shape_is_not_compared():
    found = row(torch.ones(2), torch.ones(2, 1))
    assert (found.compared, found.ok) == (False, False)
    assert found.reason == "shape (2,), expected (2, 1)"


def made(folder: Path, name: str, **tensors: torch.Tensor) -> Path:
    path = folder / f"{name}.safetensors"
    save_file(tensors, path)
    return path


def test_what_is_left_out_is_not_ok_unless_it_is_replaced(tmp_path):
    path = made(
        tmp_path, "crops_more", a=torch.ones(1), b=torch.ones(1), in_=torch.ones(1),
        **{"resize_aa.out_64": torch.ones(1)},
    )  # fmt: skip

    def compute(_file):
        yield Computed("a", torch.ones(1))
        yield Computed("not in the file", torch.ones(1))

    rows = check_file(path, tmp_path, Family("crops*", compute, ("in_",)))
    assert {r.tensor: (r.compared, r.ok) for r in rows} == {
        "a": (True, True), "b": (False, False), "resize_aa.out_64": (False, None),
    }  # fmt: skip
    assert next(r for r in rows if r.tensor == "b").reason == "nothing computes it"


def test_an_error_is_the_reason_of_what_it_left_out(tmp_path):
    path = made(tmp_path, "flame", a=torch.ones(1), b=torch.ones(1))

    def compute(_file):
        yield Computed("a", torch.ones(1))
        raise ValueError("too deep")

    rows = check_file(path, tmp_path, Family("flame*", compute))
    assert [(r.tensor, r.ok, r.reason) for r in rows] == [
        ("a", True, None), ("b", False, "ValueError: too deep"),
    ]  # fmt: skip


def test_a_file_nobody_computes_is_not_ok(tmp_path):
    (tmp_path / "diffusion").mkdir()
    made(tmp_path / "diffusion", "unknown", x=torch.ones(1))
    (found,) = verify(tmp_path)
    assert (found.file, found.ok) == ("diffusion/unknown.safetensors", False)


def test_slow_files_can_be_left_out(tmp_path, monkeypatch):
    made(tmp_path, "long", x=torch.ones(1))
    slow = Family("long*", lambda _file: iter([Computed("x", torch.ones(1))]), slow=True)
    monkeypatch.setattr("tests.verify_goldens.FAMILIES", (*FAMILIES, slow))
    assert [r.ok for r in verify(tmp_path)] == [True]
    assert list(verify(tmp_path, skip_slow=True)) == []


def test_every_replaced_step_says_why():
    assert all(len(why) > 20 for _file, _tensor, why in REPLACED)


def test_other_prefixes_and_pictures_that_are_not_square_are_rendered(goldens, tmp_path):
    """The golden picture without its last columns, and without its last rows, is a part of it."""
    source = goldens / "geometry"
    (tmp_path / "synth_flame.safetensors").symlink_to(source / "synth_flame.safetensors")
    stored = load_file(source / "render512.safetensors")
    tensors = {
        "some.one.depth_images": stored["p1.depth_images"][..., :400].contiguous(),
        "b.normal_images": stored["p1.normal_images"][..., :320, :].contiguous(),
    }
    for prefix in ("some.one.", "b."):
        codes = {k[3:]: v.clone() for k, v in stored.items() if k.startswith("p1.in.")}
        tensors |= {prefix + key: value for key, value in codes.items()}
    path = made(tmp_path, "render_parts", **tensors)
    family = next(f for f in FAMILIES if f.files.startswith("render"))
    rows = {r.tensor: r for r in check_file(path, tmp_path, family)}
    assert set(rows) == {"some.one.depth_images", "b.normal_images"}
    # float32 rounds other sizes otherwise, at edges; a pixel's shift would be off at 60,000
    assert all(r.compared and 0 <= r.pixels_off < 500 for r in rows.values())


def test_the_command_prints_json_and_fails_where_something_is_wrong(tmp_path):
    made(tmp_path, "unknown", x=torch.ones(1))
    command = [sys.executable, "-m", "tests.verify_goldens", str(tmp_path)]
    run = subprocess.run([*command, "--json"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 1
    (found,) = json.loads(run.stdout)
    assert found == {
        "file": "unknown.safetensors", "tensor": "x", "compared": False, "max_abs": None,
        "rel": None, "pixels_off": None, "ok": False,
        "reason": "nothing computes files of this name",
    }  # fmt: skip
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert "1 tensors, 0 compared, 1 not ok" in run.stdout
