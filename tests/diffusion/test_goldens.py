"""Every tensor of the diffusion goldens, computed by the production code."""

from __future__ import annotations

import pytest

from tests.goldens.rows import Row
from tests.verify_goldens import check_file, golden_files

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
    """A row for each expected tensor of one file."""
    folder = goldens / "diffusion"
    ((path, family),) = [pair for pair in golden_files(folder) if pair[0].stem == stem]
    return check_file(path, folder, family)


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
