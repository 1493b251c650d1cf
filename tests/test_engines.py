"""The choice of the engine says which and why."""

import pytest

from magicportrait_core.diffusion.checkpoints.tiny_models import make_tiny
from magicportrait_core.engines import choose_engine
from magicportrait_core.errors import InputError


def test_auto_says_what_is_missing(tmp_path):
    choice = choose_engine("auto", tmp_path)
    assert choice.name == "preview"
    assert choice.why == (
        f"the diffusion engine's weights are not all in {tmp_path}: "
        f'`magicportrait weights list --models "{tmp_path}"`'
    )


def test_auto_takes_diffusion_where_its_weights_are(tmp_path):
    make_tiny(tmp_path)
    assert choose_engine("auto", tmp_path).name == "diffusion"
    assert choose_engine("diffusion", tmp_path).why == "asked for"
    (tmp_path / "magicportrait" / "reference_unet.pth").unlink()
    assert choose_engine("auto", tmp_path).name == "preview"


def test_what_is_asked_for_is_taken():
    assert choose_engine("preview").name == "preview"


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        ("diffusion", "reference_unet.pth.* Or use --engine preview, which needs no download"),
        ("magic", "must be one of auto"),
    ],
)
def test_what_cannot_run_is_refused(tmp_path, engine, words):
    with pytest.raises(InputError, match=words):
        choose_engine(engine, tmp_path)
