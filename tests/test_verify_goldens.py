"""The golden check itself, against what is wrong."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, fields
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from magicportrait_core.diffusion.schedule import trailing_timesteps, zero_snr_schedule
from tests.goldens.registry import Family
from tests.goldens.rows import Computed, Row, compare
from tests.verify_goldens import FAMILIES, REPLACED, check_file, family_of, main, verify

ROOT = Path(__file__).resolve().parents[1]
#: a golden file that needs no other
SCHEDULE = {
    "betas": zero_snr_schedule().betas,
    "alphas_cumprod": zero_snr_schedule().alphas_cumprod,
    "timesteps.n4": torch.tensor(trailing_timesteps(4)),
}


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
        "normal_images": stored["p1.normal_images"][..., :320, :].contiguous(),
    }
    for prefix in ("some.one.", ""):
        codes = {k[3:]: v.clone() for k, v in stored.items() if k.startswith("p1.in.")}
        tensors |= {prefix + key: value for key, value in codes.items()}
    path = made(tmp_path, "mine_render_320x400", **tensors)
    rows = {r.tensor: r for r in check_file(path, tmp_path, family_of(path.name))}
    assert set(rows) == {"some.one.depth_images", "normal_images"}
    # float32 rounds other sizes otherwise, at edges; a pixel's shift would be off at 60,000
    assert all(r.compared and 0 <= r.pixels_off < 500 for r in rows.values())


@pytest.fixture
def told(monkeypatch, capsys):
    """Exit code, rows and stderr of the command."""

    def told(*words):
        monkeypatch.setattr(sys, "argv", ["verify_goldens", *map(str, words), "--json"])
        try:
            code = main()
        except SystemExit as left:
            code = left.code
        out, error = capsys.readouterr()
        return code, json.loads(out, parse_constant=pytest.fail), error

    return told


def test_the_command_prints_json_and_fails_where_something_is_wrong(told, tmp_path):
    """Beside what cannot be read, what can is compared; folders that are links are walked."""
    folder, elsewhere = tmp_path / "goldens", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    made(folder, "unknown", x=torch.ones(1))
    made(folder, "no_tensors")
    whole = made(elsewhere, "a_golden_scheduler", **SCHEDULE)
    (folder / "cut.safetensors").write_bytes(whole.read_bytes()[:-100])
    (folder / "page.safetensors").write_text("<html>")
    (folder / "nothing.safetensors").touch()
    (folder / "lost.safetensors").symlink_to(tmp_path / "nowhere")
    (folder / "geometry").symlink_to(tmp_path / "no folder")
    (folder / "self").symlink_to(folder / "self")
    (folder / "again").symlink_to(folder)
    (folder / "diffusion").symlink_to(elsewhere)
    code, rows, _ = told(folder)
    assert code == 1
    assert {(r["file"], r["tensor"], r["compared"], r["ok"]) for r in rows} == {
        ("unknown.safetensors", "x", False, False),
        *((f"diffusion/{whole.name}", tensor, True, True) for tensor in SCHEDULE),
        *((f"{name}.safetensors", "*", False, False)
          for name in ("no_tensors", "cut", "page", "nothing", "lost")),
        *((name, "*", False, False) for name in ("geometry", "self")),
    }  # fmt: skip
    assert len(rows) == 8 + len(SCHEDULE)
    assert all(set(row) == {f.name for f in fields(Row)} for row in rows)
    reasons = {row["file"]: row["reason"] for row in rows}
    assert "nothing computes files of this name" in reasons["unknown.safetensors"]
    assert "it holds no tensors" in reasons["no_tensors.safetensors"]
    assert "it is a link that leads nowhere" in reasons["lost.safetensors"]
    assert "it is a link that leads nowhere" in reasons["geometry"]
    assert all("it cannot be read" in reasons[f"{n}.safetensors"] for n in ("cut", "page"))


@pytest.mark.parametrize("kind", ["missing", "empty", "a file", "inputs alone"])
def test_where_there_is_nothing_the_list_is_empty(told, tmp_path, kind):
    folder = tmp_path / "goldens"
    if kind == "a file":
        folder.touch()
    elif kind != "missing":
        folder.mkdir()
    if kind == "inputs alone":
        made(folder, "tiny_vae", x=torch.ones(1))
    code, rows, said = told(folder)
    assert (code, rows) == (1, [])
    assert len(said.splitlines()) == 1
    assert str(folder) in said


def test_other_arguments_that_are_wrong_leave_a_list_too(told, tmp_path):
    code, rows, said = told(tmp_path, "--jsn")
    assert (code, rows) == (2, [])
    assert "--jsn" in said


def test_as_a_program(tmp_path):
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
    assert run.returncode == 1
    assert "1 tensors, 0 compared, 1 not ok" in run.stdout


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_a_row_that_is_not_ok(tmp_path, value):
    betas = SCHEDULE["betas"].clone()
    betas[3] = value
    path = made(tmp_path, "golden_scheduler", **SCHEDULE | {"betas": betas})
    rows = {r.tensor: r for r in check_file(path, tmp_path, family_of(path.name))}
    assert (rows["betas"].compared, rows["betas"].ok) == (True, False)
    json.dumps([asdict(r) for r in rows.values()], allow_nan=False)
    family = Family("x*", lambda _file: iter([Computed.picture("x", betas.view(1, 1, 10, -1))]))
    path = made(tmp_path, "x", x=SCHEDULE["betas"].view(1, 1, 10, -1).clone())
    (found,) = check_file(path, tmp_path, family)
    assert (found.compared, found.ok, found.max_abs, found.rel) == (True, False, None, None)


def kind_of(name: str) -> str | None:
    family = family_of(f"{name}.safetensors")
    return family and family.files.removesuffix(".safetensors")


@pytest.mark.parametrize("before", ["", "mine_", "x-", "a.b.", "2024 ", "golden_", "tiny_", "my"])
@pytest.mark.parametrize("after", ["", "_240x320", "-2", ".b", "64"])
def test_names_may_have_any_prefix_and_ending(before, after):
    for name in ("render", "flame", "align", "crops", "encoders"):
        assert kind_of(f"{before}{name}{after}") == f"{name}*"
    assert kind_of(f"{before}golden_a_guidance_encoder{after}") == "golden_a_*"
    assert kind_of(f"{before}golden_b_reference_bank{after}") == "golden_b_*"
    assert kind_of(f"{before}golden_c_denoising_unet{after}") == "golden_c_*"
    assert kind_of(f"{before}golden_c_probes_f32bank_t9{after}") == "golden_c_probes*"
    assert kind_of(f"{before}golden_c_x_probes_f32bank_t9{after}") == "golden_c_*_probes*"
    assert kind_of(f"{before}golden_d_pipeline_f32bank{after}") == "golden_d_*"
    assert kind_of(f"{before}golden_e_full_width{after}") == "golden_e_*"
    assert kind_of(f"{before}golden_scheduler{after}") == "golden_scheduler*"
    assert kind_of(f"{before}golden_preprocess{after}") == "golden_preprocess*"


@pytest.mark.parametrize("before", ["", "mine_"])
def test_what_others_are_computed_from_is_no_golden(before):
    for name, kind in (
        ("synth_flame", "synth_flame*"),
        ("tiny_vae", "tiny_vae*"),
        ("tiny_reference_unet", "tiny_reference_unet*"),
        ("tiny_guidance_encoder_depth", "tiny_guidance_encoder*"),
        ("golden_d_pipeline_inputs", "golden_d_*_inputs*"),
    ):
        assert kind_of(before + name) == kind
    assert kind_of("portrait") is None


def test_a_file_that_is_added_is_run_by_pytest(tmp_path):
    """Without an edit; one that is not met fails, whatever its name."""
    made(tmp_path, "mine-golden_scheduler-2", **SCHEDULE)
    made(tmp_path, "unknown", x=torch.ones(1))
    command = [sys.executable, "-m", "pytest", "tests/test_goldens.py", "-rA", "-q"]
    run = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True,
        env=os.environ | {"MAGICPORTRAIT_GOLDENS": str(tmp_path)},
    )  # fmt: skip
    assert run.returncode == 1
    test = "tests/test_goldens.py::test_every_expected_tensor_is_met"
    assert f"PASSED {test}[mine-golden_scheduler-2]" in run.stdout
    assert f"FAILED {test}[unknown]" in run.stdout
