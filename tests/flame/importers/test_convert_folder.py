"""Files that are dropped raw into models/flame, and what is opened from there."""

import os
import pickle
from dataclasses import replace

import numpy as np
import pytest

from magicportrait_core.errors import InputError, MagicPortraitWarning
from magicportrait_core.flame.importers import convert
from magicportrait_core.flame.importers.convert import folder_state, import_file, import_folder
from magicportrait_core.flame.library.files import save_head
from magicportrait_core.flame.library.library import heads, open_head, open_regressor, open_texture
from tests.official_files import (
    eyelid,
    flame_content,
    gnm_arrays,
    write_flame,
    write_gnm,
    write_landmarks,
    write_template,
)


@pytest.fixture(scope="module")
def raw(goldens, tmp_path_factory):
    """A folder as a user fills it, with some that are not for us."""
    folder = tmp_path_factory.mktemp("raw")
    write_flame(folder / "generic_model.pkl", flame_content(goldens))
    write_template(folder / "head_template.obj", goldens)
    write_landmarks(folder / "landmark_embedding.npy", goldens)
    write_gnm(folder / "gnm_head.npz", gnm_arrays())
    np.save(folder / "l_eyelid.npy", eyelid(goldens, 1))
    np.save(folder / "r_eyelid.npy", eyelid(goldens, -1))
    np.save(folder / "fixed_displacement_256.npy", np.zeros((256, 256)))
    (folder / "FLAME_masks.pkl").write_bytes(pickle.dumps({"face": np.arange(3)}))
    (folder / "readme.txt").write_text("hello")
    return folder


@pytest.fixture
def no_hashing(monkeypatch):
    """Fails where a file is hashed that is known by its stamp."""

    def refuse(path, *_rest):
        assert path.name in {"fixed_displacement_256.npy", "FLAME_masks.pkl"}
        return "unknown"

    return lambda: monkeypatch.setattr(convert, "sha256_of", refuse)


@pytest.mark.filterwarnings("error")
def test_a_folder_is_converted_once(raw, no_hashing):
    reports = import_folder(raw)
    assert {r.kind for r in reports} == {
        "flame2020", "flame_uv", "flame_landmarks", "gnm_head", "left_eyelid",
    }  # fmt: skip
    assert all(r.output.is_file() for r in reports)
    head = open_head(raw)
    assert head.name == "flame2020_generic"
    assert head.uvs is not None
    assert head.landmarks is not None
    assert head.eyelid_basis is not None
    assert heads(raw) == ["flame2020_generic", "gnm_head"]
    assert import_folder(raw) == []
    os.utime(raw / "generic_model.pkl")  # told by its hash then
    assert import_folder(raw) == []
    no_hashing()
    os.utime(raw / "generic_model.pkl", ns=(0, (raw / "gnm_head.npz").stat().st_mtime_ns))
    with pytest.raises(AssertionError):
        import_folder(raw)


def test_the_folders_state_is_that_of_its_files(tmp_path):
    """Converting changes nothing of it; a file that comes, goes or is replaced does."""
    assert folder_state(tmp_path) == set()
    path = write_gnm(tmp_path / "gnm_head.npz", gnm_arrays())
    raw = folder_state(tmp_path)
    assert len(raw) == 1
    import_folder(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    assert folder_state(tmp_path) == raw
    os.utime(path, ns=(1, 1))
    assert folder_state(tmp_path) != raw
    path.unlink()
    (made,) = folder_state(tmp_path)
    assert made.startswith("gnm_head.safetensors ")
    save_head(tmp_path / "mine.safetensors", open_head(tmp_path))
    assert len(folder_state(tmp_path)) == 2


def test_files_that_cannot_be_read_are_warnings(tmp_path):
    (tmp_path / "generic_model.pkl").write_bytes(b"\x80\x02}(")
    write_gnm(tmp_path / "gnm_head.npz", gnm_arrays())
    with pytest.warns(MagicPortraitWarning, match=r"generic_model\.pkl is no pickle"):
        reports = import_folder(tmp_path)
    assert [r.kind for r in reports] == ["gnm_head"]


def test_auto_prefers_the_basis_of_the_trackers(tmp_path):
    write_gnm(tmp_path / "gnm_head.npz", gnm_arrays())
    import_file(tmp_path / "gnm_head.npz", tmp_path)
    gnm = open_head(tmp_path)
    assert gnm.family == "gnm"
    for name in ("flame2023", "zz", "flame2020_generic"):
        save_head(tmp_path / f"{name}.safetensors", replace(gnm, name=name, family="flame"))
        assert open_head(tmp_path).family == "flame"
    assert heads(tmp_path) == ["flame2020_generic", "flame2023", "zz", "gnm_head"]
    assert open_head(tmp_path, "zz").name == "zz"
    with pytest.raises(InputError, match=r"no head model other in .*there are flame2020_generic,"):
        open_head(tmp_path, "other")


def test_what_is_missing_says_where_it_comes_from(tmp_path):
    with pytest.raises(InputError, match=r"No head model is in.*flame\.is\.tue.*download gnm_head"):
        open_head(tmp_path / "flame")
    with pytest.raises(InputError, match=r"FLAME_texture\.npz .*632 MB.*is not in"):
        open_texture(tmp_path)
    with pytest.raises(InputError, match=r"SMIRK_em1\.pt .*github\.com/georgeretsi/smirk"):
        open_regressor(tmp_path, "smirk")
    with pytest.raises(InputError, match="network must be one of deca, smirk"):
        open_regressor(tmp_path, "other")
    (tmp_path / "SMIRK_em1.pt").write_bytes(b"")
    with pytest.raises(InputError, match=r"not converted yet: import it with `magicportrait"):
        open_regressor(tmp_path, "smirk")


def test_damaged_conversions(tmp_path):
    (tmp_path / "flame_texture.safetensors").write_bytes(b"damaged")
    (tmp_path / "x.safetensors").write_bytes(b"damaged")
    with pytest.raises(InputError, match=r"flame_texture\.safetensors cannot be read"):
        open_texture(tmp_path)
    assert heads(tmp_path) == []
    (tmp_path / "x.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{" + b" " * 14 + b"}")
    with pytest.raises(InputError, match=r"x\.safetensors needs no import"):
        import_file(tmp_path / "x.safetensors", tmp_path)


def test_only_head_models_take_a_name(tmp_path):
    write_gnm(tmp_path / "gnm_head.npz", gnm_arrays())
    with pytest.raises(InputError, match=r"gnm_head\.npz is no FLAME model"):
        import_file(tmp_path / "gnm_head.npz", tmp_path, declared="x")
    assert not list(tmp_path.glob("*.safetensors"))


def test_folders_and_dead_links_are_passed_over(tmp_path):
    write_gnm(tmp_path / "gnm_head.npz", gnm_arrays())
    (tmp_path / "old.npz").mkdir()
    (tmp_path / "made.safetensors").mkdir()
    try:
        (tmp_path / "gone.pkl").symlink_to(tmp_path / "elsewhere.pkl")
    except OSError:
        pytest.skip("links may not be made here")
    assert len(folder_state(tmp_path)) == 1
    assert [report.kind for report in import_folder(tmp_path)] == ["gnm_head"]
