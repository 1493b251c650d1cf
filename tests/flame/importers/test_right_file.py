"""Whatever is wrong with a file, what is said names it, what it should be and where that is."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from magicportrait_core.errors import InputError, MagicPortraitWarning
from magicportrait_core.flame.importers.convert import import_file, import_folder
from magicportrait_core.flame.importers.recognise import UnknownFile
from magicportrait_core.flame.library.files import save_head
from magicportrait_core.flame.library.library import open_head, open_regressor, open_texture
from magicportrait_core.flame.trackers.deca import load_deca
from magicportrait_core.model_files.head_models import head_of
from tests.official_files import (
    eyelid,
    flame_content,
    gnm_arrays,
    write_flame,
    write_gnm,
    write_landmarks,
    write_mesh_points,
    write_texture,
)
from tests.small_head import small_head, small_track

FLAME = r"flame\.is\.tue\.mpg\.de"
DECA, SMIRK = r"github\.com/yfeng95/DECA", r"github\.com/georgeretsi/smirk"
GNM = r"huggingface\.co/google/gnm-v3"


def _network(path, _goldens):
    torch.save({"E_flame": {"x": torch.ones(9)}}, path)


WRITERS = {
    "generic_model.pkl": (lambda p, g: write_flame(p, flame_content(g)), FLAME),
    "flame2023.pkl": (lambda p, g: write_flame(p, flame_content(g)), FLAME),
    "FLAME_texture.npz": (write_texture, FLAME),
    "mediapipe_landmark_embedding.npz": (lambda p, _: write_mesh_points(p), FLAME),
    "landmark_embedding.npy": (write_landmarks, DECA),
    "deca_model.tar": (_network, DECA),
    "SMIRK_em1.pt": (_network, SMIRK),
    "l_eyelid.npy": (lambda p, g: np.save(p, eyelid(g, 1)), SMIRK),
    "gnm_head.npz": (lambda p, _: write_gnm(p, gnm_arrays()), GNM),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_truncated_file_says_where_a_whole_one_is(goldens, tmp_path, name):
    write, address = WRITERS[name]
    path = tmp_path / name
    write(path, goldens)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=rf"^{name} .*By its name.* take {name} from .*{address}"):
        import_file(path, tmp_path)
    assert not list(tmp_path.glob("*.safetensors"))


@pytest.mark.parametrize("name", ["deca_model.tar", "SMIRK_em1.pt"])
def test_half_a_checkpoint_is_no_numpy_file(goldens, tmp_path, name):
    path = tmp_path / name
    _network(path, goldens)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputError, match="it ends too early") as told:
        import_file(path, tmp_path)
    assert "numpy" not in str(told.value)


def test_a_truncated_file_without_a_name_says_who_knows_more(tmp_path):
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps({"v_template": np.zeros((9, 3))})[:90])
    with pytest.raises(InputError, match=r"^x\.pkl .*weights list` says which files.*come from"):
        import_file(path, tmp_path)


def test_an_official_name_with_something_else_in_it_is_told(tmp_path):
    path = tmp_path / "generic_model.pkl"
    path.write_bytes(pickle.dumps({"face": np.arange(3)}))
    words = rf"generic_model\.pkl is none of.*By its name it is head model FLAME 2020.*{FLAME}"
    with pytest.raises(InputError, match=words) as told:
        import_file(path, tmp_path)
    assert not isinstance(told.value, UnknownFile)
    with pytest.warns(MagicPortraitWarning, match=words):
        assert import_folder(tmp_path) == []


def test_conversions_say_what_they_are_made_of(tmp_path):
    (tmp_path / "flame_texture.safetensors").write_bytes(b"damaged")
    words = rf"flame_texture\.safetensors .*import FLAME_texture\.npz of .*{FLAME}"
    with pytest.raises(InputError, match=words):
        open_texture(tmp_path)
    metadata = {"kind": "regressor", "format_version": "1", "network": "smirk"}
    save_file({"x": torch.ones(1)}, tmp_path / "deca_encoder.safetensors", metadata)
    words = rf"holds the network smirk, deca is wanted: import deca_model\.tar of .*{DECA}"
    with pytest.raises(InputError, match=words):
        open_regressor(tmp_path, "deca")
    with pytest.raises(InputError, match=rf"E_flame .*lacks .*import deca_model\.tar of .*{DECA}"):
        load_deca({})


def test_a_truncated_head_model_is_named(tmp_path):
    path, head = tmp_path / "flame2020_generic.safetensors", small_head()
    head = replace(head, uv_faces=head.uv_faces.clone())  # a file holds no memory twice
    save_head(path, replace(head, name="flame2020_generic"))
    path.write_bytes(path.read_bytes()[:2000])
    words = rf"^flame2020_generic\.safetensors .*end is missing: import generic_model\.pkl.*{FLAME}"
    for name in ("auto", "flame2020_generic"):
        with pytest.raises(InputError, match=words):
            open_head(tmp_path, name)
    save_head(tmp_path / "other.safetensors", replace(head, name="other"))
    assert open_head(tmp_path).name == "other"
    track = replace(small_track(2), params=replace(small_track(2).params, basis="flame-0"))
    with pytest.raises(InputError, match=words):
        head_of(track, tmp_path)
    assert head_of(small_track(2), tmp_path).name == "other"


def test_a_truncated_part_is_no_head_model(tmp_path):
    (tmp_path / "flame_texture.safetensors").write_bytes(b"damaged")
    with pytest.raises(InputError, match="No head model is in"):
        open_head(tmp_path)
