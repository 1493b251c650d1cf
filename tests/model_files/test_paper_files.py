"""What the paper's tracker lacks is named whole, and nothing that is here."""

import pytest

from magicportrait_core.errors import InputError
from magicportrait_core.model_files.head_models import TrackerChoice, make_tracker
from magicportrait_core.model_files.paper_files import check_paper_head
from tests.small_head import small_head

FILES = ("generic_model.pkl", "landmark_embedding.npy", "deca_model.tar", "SMIRK_em1.pt")


@pytest.mark.parametrize("here", [(), FILES[1:2], FILES[1:3]])
def test_all_that_lacks_is_named(tmp_path, here):
    for name in here:
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(InputError, match="tracks FLAME 2020 generic and lacks") as refused:
        check_paper_head(None, tmp_path)
    said = str(refused.value)
    assert [name for name in FILES if name in said] == [n for n in FILES if n not in here]
    assert "register at https://flame.is.tue.mpg.de" in said


def test_another_head_is_told_apart(tmp_path):
    with pytest.raises(InputError, match="generic, not small, and lacks"):
        check_paper_head(small_head(), tmp_path)


def test_a_model_that_cannot_be_read(tmp_path):
    (tmp_path / FILES[0]).write_bytes(b"x")
    with pytest.raises(InputError, match="could not be read: download it again"):
        check_paper_head(None, tmp_path)


def test_networks_that_are_not_here(tmp_path):
    with pytest.raises(InputError, match=r"deca_model\.tar.*SMIRK_em1\.pt"):
        make_tracker(TrackerChoice("deca_smirk", "asked for"), small_head(), tmp_path)
