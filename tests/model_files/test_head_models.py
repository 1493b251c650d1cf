"""Which head model and tracker are taken, and what is said where one is missing."""

from dataclasses import replace

import pytest
import torch

from magicportrait_core.errors import InputError
from magicportrait_core.flame.library.files import save_part
from magicportrait_core.flame.library.library import head_metadata, open_head, part_file
from magicportrait_core.flame.library.regressor_files import regressor_file, save_regressor
from magicportrait_core.flame.texture import NUM_COMPONENTS, SIZE
from magicportrait_core.flame.trackers import LandmarkFit
from magicportrait_core.light import SKIN
from magicportrait_core.model_files.head_models import (
    choose_tracker,
    flame_folder,
    head_of,
    make_tracker,
    skin_of,
    tracker_states,
)
from tests.head_folder import fill_models
from tests.official_files import gnm_arrays, write_gnm
from tests.small_head import small_head, small_track


@pytest.fixture
def folder(tmp_path):
    return fill_models(tmp_path, small_head())


def put_networks(folder):
    for network in ("deca", "smirk"):
        save_regressor(folder / regressor_file(network), network, {"a": torch.zeros(1)}, {})


def generic():
    """A head that the networks know."""
    return replace(small_head(), name="flame2020_generic")


def other_head():
    return replace(small_head(), template=small_head().template * 1.1)


def test_auto_takes_the_papers_tracker_where_it_can(folder):
    head = generic()
    chosen = choose_tracker("auto", head, folder)
    assert chosen.name == "landmark_fit"
    assert "DECA or SMIRK" in chosen.why
    put_networks(folder)
    assert choose_tracker("auto", head, folder).name == "deca_smirk"
    (folder / regressor_file("smirk")).unlink()
    chosen = choose_tracker("auto", head, folder)
    assert chosen.name == "landmark_fit"
    assert "DECA" not in chosen.why


def test_parts_and_networks_apart_from_the_head(tmp_path, folder):
    """In any of several folders: those of extra_model_paths.yaml."""
    empty, parts, networks = (tmp_path / name for name in ("empty", "parts", "networks"))
    parts.mkdir()
    networks.mkdir()
    fill_models(tmp_path, generic())
    (folder / "small.safetensors").rename(parts / "other.safetensors")
    (folder / part_file("landmarks")).rename(parts / part_file("landmarks"))
    put_networks(networks)
    folders = (empty, parts, folder, networks)
    assert list(head_metadata(folders)) == ["flame2020_generic", "other"]
    head = open_head(folders)
    assert head.name == "flame2020_generic"
    assert head.landmarks is not None
    assert choose_tracker("auto", head, folders).name == "deca_smirk"
    assert [state.ready for state in tracker_states(folders)] == [True, True]
    choice = choose_tracker("auto", head, (empty, folder))
    assert choice.name == "landmark_fit"
    assert choice.why == f"no network of DECA or SMIRK is in {empty} or {folder}"
    with pytest.raises(
        InputError,
        match=r"no head model missing in .*empty or .*there are flame2020_generic, other",
    ):
        open_head(folders, "missing")


def test_auto_leaves_the_networks_where_codes_would_mean_another_face(folder):
    put_networks(folder)
    chosen = choose_tracker("auto", small_head(), folder)
    assert chosen.name == "landmark_fit"
    assert "belong to FLAME 2020 generic, not to small" in chosen.why
    with pytest.raises(InputError, match=r"not small, and lacks generic_model\.pkl \(register"):
        choose_tracker("deca_smirk", small_head(), folder)
    (folder / "flame2020_generic.safetensors").touch()
    with pytest.raises(InputError, match=r"import generic_model\.pkl"):
        choose_tracker("deca_smirk", small_head(), folder)


def test_a_neutral_frame_decides(folder):
    put_networks(folder)
    assert choose_tracker("auto", generic(), folder, neutral_frame=3).name == "landmark_fit"
    with pytest.raises(InputError, match="takes no neutral frame"):
        choose_tracker("deca_smirk", generic(), folder, neutral_frame=3)
    with pytest.raises(InputError, match="tracker must be one of auto, deca_smirk, landmark_fit"):
        choose_tracker("magic", generic(), folder)


def test_missing_networks_say_where_they_come_from(folder):
    choice = choose_tracker("deca_smirk", generic(), folder)
    with pytest.raises(
        InputError,
        match=r"lacks deca_model\.tar \(https://\S+DECA\), SMIRK_em1\.pt \(https://\S+smirk\): "
        "import each",
    ):
        make_tracker(choice, generic(), folder)


def test_the_registration_is_kept(folder):
    choice = choose_tracker("landmark_fit", small_head(), folder)
    assert isinstance(make_tracker(choice, small_head(), folder), LandmarkFit)
    names = [p.name for p in (folder / "registrations").iterdir()]
    assert f"{small_head().basis}.safetensors" in names


def test_the_head_of_a_track_is_found_by_its_basis(tmp_path, folder):
    fill_models(tmp_path, other_head(), "another")
    assert head_of(small_track(), folder).name == "small"
    assert head_of(small_track(), folder, "small").basis == small_head().basis
    with pytest.raises(InputError, match="t's parameters belong to head model"):
        head_of(small_track(), folder, "another", "t")
    (folder / "small.safetensors").unlink()
    with pytest.raises(
        InputError, match=r"t was made with head model .* none of those in .*another"
    ):
        head_of(small_track(), folder, what="t")


def test_no_head_names_both_ways(tmp_path):
    with pytest.raises(InputError) as caught:
        head_of(small_track(), tmp_path / "nothing" / "flame")
    for words in ("generic_model.pkl", "flame.is.tue.mpg.de", "weights download gnm_head"):
        assert words in str(caught.value)


def test_raw_files_are_converted(tmp_path):
    (tmp_path / "flame").mkdir()
    write_gnm(tmp_path / "flame" / "gnm_head.npz", gnm_arrays())
    assert list(head_metadata(flame_folder(tmp_path))) == ["gnm_head"]
    assert not flame_folder(tmp_path / "nothing").exists()


def test_texture_as_the_track_has_it(folder):
    track = small_track()
    assert torch.equal(skin_of(track, small_head(), folder), SKIN)
    mean, basis = torch.rand(3, SIZE, SIZE), torch.zeros(NUM_COMPONENTS, 3, SIZE, SIZE)
    basis[1] = 0.25
    save_part(folder / part_file("texture"), "texture", {"mean": mean, "basis": basis}, {})
    expected = mean + 0.25 * track.texture[1]
    torch.testing.assert_close(skin_of(track, small_head(), folder), expected)
    elsewhere = (folder.parent / "nothing", folder)
    torch.testing.assert_close(skin_of(track, small_head(), elsewhere), expected)
    plain = replace(small_head(), uvs=None, uv_faces=None)
    assert torch.equal(skin_of(track, plain, folder), SKIN)


def test_states_say_what_could_run(tmp_path, folder):
    nothing = tracker_states(tmp_path / "nothing")
    assert [(s.name, s.ready) for s in nothing] == [("deca_smirk", False), ("landmark_fit", False)]
    assert all("no head model is here" in state.why for state in nothing)
    deca, fit = tracker_states(folder)
    assert (deca.ready, fit.ready, fit.why) == (False, True, "on small")
    put_networks(folder)
    assert tracker_states(folder)[0].why == "FLAME 2020 generic is not here"
    fill_models(tmp_path, generic())
    assert tracker_states(folder)[0].why == "on flame2020_generic"
    (folder / part_file("landmarks")).unlink()
    assert tracker_states(folder)[1].ready is False
