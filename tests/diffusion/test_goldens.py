"""Every tensor of the diffusion goldens, computed by the production code."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from tests.goldens import diffusion_full_width, diffusion_networks, diffusion_pipeline
from tests.goldens.registry import GoldenFile
from tests.goldens.rows import Row, compare

FAMILIES = (
    *diffusion_networks.FAMILIES,
    *diffusion_pipeline.FAMILIES,
    *diffusion_full_width.FAMILIES,
)
#: file -> rows that it must have
FILES = {
    "golden_a_guidance_encoder": 3,
    "golden_b_reference_bank": 17,
    "golden_c_denoising_unet": 5,
    "golden_c_probes_f32bank_t999": 15,
    "golden_d_pipeline_f32bank": 22,
    "golden_d_pipeline_f32bank_nocfg_scale1": 22,
    "golden_preprocess": 2,
    "golden_scheduler": 8,
}


def rows_of(goldens, stem: str) -> list[Row]:
    """What is computed of one file; an expected tensor that nothing computes fails."""
    file = GoldenFile.read(goldens / "diffusion" / f"{stem}.safetensors")
    family = next(f for f in FAMILIES if fnmatchcase(file.path.name, f.files))
    rows = [compare(stem, made, file.tensors[made.tensor]) for made in family.compute(file)]
    expected = {name for name in file.tensors if not family.is_input(name)}
    assert {row.tensor for row in rows} == expected
    return rows


@pytest.mark.parametrize("stem", FILES)
def test_golden(goldens, stem):
    rows = rows_of(goldens, stem)
    assert len(rows) == FILES[stem]
    assert [row for row in rows if not row.ok] == []


@pytest.mark.slow
def test_full_width(goldens):
    rows = rows_of(goldens, "golden_e_full_width")
    assert len(rows) > 100
    assert [row for row in rows if not row.ok] == []
