"""Every golden file there is, against the production code: one that is added is run too."""

from __future__ import annotations

import os

import pytest

from tests.goldens.registry import GoldenFile, goldens_folder
from tests.verify_goldens import check_file, golden_files

FOLDER = goldens_folder()
#: of the files that came with the goldens: how many tensors are expected, the rest are inputs
EXPECTED = {
    "geometry/align": 7,
    "geometry/crops": 32,
    "geometry/encoders": 66,
    "geometry/flame": 15,
    "geometry/render224": 32,
    "geometry/render512": 6,
    "diffusion/golden_a_guidance_encoder": 3,
    "diffusion/golden_b_reference_bank": 17,
    "diffusion/golden_c_denoising_unet": 5,
    "diffusion/golden_c_probes_f32bank_t999": 15,
    "diffusion/golden_d_pipeline_f32bank": 22,
    "diffusion/golden_d_pipeline_f32bank_nocfg_scale1": 22,
    "diffusion/golden_e_full_width": 153,
    "diffusion/golden_preprocess": 2,
    "diffusion/golden_scheduler": 8,
}


def files() -> list:
    """A parameter for each file; those of minutes are marked slow."""
    if not FOLDER.is_dir():
        reason = f"no golden numbers in {FOLDER}; name their folder in MAGICPORTRAIT_GOLDENS"
        return [pytest.param(None, None, marks=pytest.mark.skip(reason=reason), id="none")]
    return [
        pytest.param(
            path,
            family,
            marks=[pytest.mark.slow] if family is not None and family.slow else [],
            id=path.relative_to(FOLDER).with_suffix("").as_posix(),
        )
        for path, family in golden_files(FOLDER)
    ]


@pytest.mark.parametrize(("path", "family"), files())
def test_every_expected_tensor_is_met(path, family):
    rows = check_file(path, FOLDER, family)
    wrong = [row for row in rows if row.ok is False]
    assert not wrong, "\n".join(map(str, wrong))
    assert rows or family.inputs == ("*",)


def test_there_are_files(goldens):
    assert list(golden_files(goldens))


def test_what_is_expected_is_no_input(goldens):
    """No pattern of inputs takes away a tensor that has to be met."""
    if "MAGICPORTRAIT_GOLDENS" in os.environ:
        pytest.skip("MAGICPORTRAIT_GOLDENS names other files than those that are counted here")
    counts = {}
    for path, family in golden_files(goldens):
        names = GoldenFile.read(path).tensors
        counts[path.relative_to(goldens).with_suffix("").as_posix()] = sum(
            not family.is_input(name) for name in names
        )
    assert {name: count for name, count in counts.items() if count} == EXPECTED
