"""Where files may lie, and the names that they are told by."""

import pytest

from magicportrait_core.diffusion.checkpoints.model_files import find_model_files
from magicportrait_core.diffusion.checkpoints.model_folders import ModelFolders, is_sd15_name
from magicportrait_core.diffusion.checkpoints.tiny_models import make_tiny


def test_folders_of_the_callers(tmp_path):
    (tmp_path / "a").mkdir()
    made = tmp_path / "made"
    make_tiny(made)
    folders = ModelFolders((tmp_path / "a", made / "magicportrait"))
    assert find_model_files(folders) == find_model_files(made)


@pytest.mark.parametrize(
    ("name", "is_it"),
    [
        ("v1-5-pruned-emaonly.safetensors", True),
        ("V1-5-pruned.ckpt", True),
        ("sd15_mine.safetensors", True),
        ("sd-v1-5-inpainting.ckpt", False),
        ("sd-v1-4.ckpt", False),
        ("realisticVision.safetensors", False),
    ],
)
def test_names_of_sd15(name, is_it):
    assert is_sd15_name(name) is is_it
