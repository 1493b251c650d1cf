"""Which files the weights come from, and when that is said."""

from __future__ import annotations

import shutil

import pytest
import torch
from safetensors.torch import save_file

from magicportrait_core.diffusion.checkpoints.combined import convert_models
from magicportrait_core.diffusion.checkpoints.model_files import PARTS, find_model_files, read_part
from magicportrait_core.diffusion.checkpoints.tiny_models import make_tiny
from magicportrait_core.diffusion.checkpoints.weight_files import (
    dtype_of,
    said_of_choice,
    weight_files,
)
from magicportrait_core.weights.state_files import read_state


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    """Official files of float32, and a half made of them."""
    models = tmp_path_factory.mktemp("official")
    make_tiny(models)
    path = models / "magicportrait" / "reference_unet.pth"
    torch.save({key: t.float() for key, t in read_state(path).items()}, path)
    convert_models(find_model_files(models), half_of(models))
    return models


def half_of(models):
    return models / "magicportrait" / "magicportrait_fp16.safetensors"


def taken(models, exact):
    """The file of a part, and what is said of it."""
    files = find_model_files(models, exact=exact)
    return files.parts["reference_unet"][-1].name, said_of_choice(models, files, exact)


def test_the_half_is_taken_and_that_is_said(official):
    name, said = taken(official, exact=False)
    assert name == half_of(official).name
    assert said.startswith(f"{name} is taken, which is rounded to float16, though the official")
    assert "--reference-mode" in said


def test_exact_files_go_before_the_half(official):
    assert taken(official, exact=True) == ("reference_unet.pth", None)


def test_official_files_no_finer_than_the_half_are_no_choice(tmp_path):
    make_tiny(tmp_path)
    convert_models(find_model_files(tmp_path), half_of(tmp_path))
    assert taken(tmp_path, exact=False) == (half_of(tmp_path).name, None)


def test_where_only_one_is_there_nothing_is_chosen(official, tmp_path):
    shutil.copytree(official, tmp_path / "models")
    half_of(tmp_path / "models").unlink()
    assert taken(tmp_path / "models", exact=False) == ("reference_unet.pth", None)
    (tmp_path / "half" / "magicportrait").mkdir(parents=True)
    shutil.copy(half_of(official), half_of(tmp_path / "half"))
    assert taken(tmp_path / "half", exact=False) == (half_of(official).name, None)
    name, said = taken(tmp_path / "half", exact=True)
    assert name == half_of(official).name
    assert "the official files are not all here to take instead" in said


def test_a_combined_file_of_float32_is_exact(official, tmp_path):
    shutil.copytree(official, tmp_path / "models")
    whole = tmp_path / "models" / "magicportrait" / "magicportrait_fp32.safetensors"
    convert_models(find_model_files(official, combined=False), whole, "fp32")
    assert taken(tmp_path / "models", exact=True) == (whole.name, None)
    assert taken(tmp_path / "models", exact=False) == (whole.name, None)


def test_files_are_named_with_their_type_of_numbers(official):
    for exact in (False, True):
        files = find_model_files(official, exact=exact)
        used = weight_files(files, {part: read_part(files, part)[1] for part in PARTS})
        if not exact:
            (one,) = used
            assert str(one) == "magicportrait_fp16.safetensors (float16)"
            assert one.parts == PARTS
    assert [one.file for one in used][:2] == ["motion_module-47360.pth", "denoising_unet.pth"]
    assert {one.file: one.dtype for one in used}["reference_unet.pth"] == "float32"


def test_a_file_that_supplied_nothing_is_not_named(official):
    files = find_model_files(official, combined=False)
    used = weight_files(files, {"denoising_unet": {"denoising_unet.pth": 3}})
    assert [one.file for one in used] == ["denoising_unet.pth"]


def test_the_type_is_that_of_most_numbers(tmp_path):
    few, many = torch.zeros(3), torch.zeros(4, dtype=torch.bfloat16)
    save_file(
        {"few": few, "many": many, "count": torch.zeros(9).long()}, tmp_path / "a.safetensors"
    )
    assert dtype_of(tmp_path / "a.safetensors") == "bfloat16"
