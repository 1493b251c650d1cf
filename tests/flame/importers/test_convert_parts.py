"""What goes with FLAME: texture, coordinates, landmarks, eyelids."""

import os
import shutil

import numpy as np
import pytest
import torch
from torch import Tensor

from magicportrait_core.errors import InputError
from magicportrait_core.flame.importers import eyelids
from magicportrait_core.flame.importers.convert import import_file
from magicportrait_core.flame.importers.texture import convert_texture
from magicportrait_core.flame.library.library import open_head, open_texture
from magicportrait_core.flame.library.uv import match_uv_faces
from tests.golden_head import golden_head, official_texture
from tests.official_files import (
    eyelid,
    flame_content,
    write_flame,
    write_landmarks,
    write_mesh_points,
    write_template,
    write_texture,
)


@pytest.fixture(scope="module")
def flame_folder(goldens, tmp_path_factory):
    """models/flame with the golden head as flame2020_generic."""
    folder = tmp_path_factory.mktemp("flame")
    import_file(write_flame(folder / "generic_model.pkl", flame_content(goldens)), folder)
    return folder


@pytest.fixture
def folder(flame_folder, tmp_path):
    """The same, to add to."""
    shutil.copy(flame_folder / "flame2020_generic.safetensors", tmp_path)
    return tmp_path


def test_texture(goldens, tmp_path):
    report = import_file(write_texture(tmp_path / "a.npz", goldens), tmp_path)
    assert (report.kind, report.output.name) == ("flame_texture", "flame_texture.safetensors")
    texture = open_texture(tmp_path)
    mean, basis = official_texture(goldens / "geometry")
    for ours, official in ((texture["mean"][None], mean[..., None]), (texture["basis"], basis)):
        picture = official.permute(3, 2, 0, 1).flip(1) / 255  # BGR to RGB
        small = torch.nn.functional.interpolate(picture, size=(256, 256))  # nearest
        torch.testing.assert_close(ours, small, rtol=0, atol=1e-7)


def test_texture_takes_the_first_components_only():
    rng = np.random.default_rng(0)
    mean = rng.random((512, 512, 3), np.float32) * 255
    basis = rng.random((512, 1, 3, 60), np.float32).repeat(512, 1)
    made = convert_texture(mean, basis)
    assert made["mean"].shape == (3, 256, 256)
    assert made["basis"].shape == (50, 3, 256, 256)
    assert made["mean"][0, 7, 9] == pytest.approx(mean[14, 18, 2] / 255)
    assert made["basis"][49, 2, 7, 9] == pytest.approx(basis[14, 18, 0, 49] / 255)


def test_a_texture_of_another_shape(tmp_path):
    np.savez(tmp_path / "x.npz", mean=np.zeros((512, 512, 3)), tex_dir=np.zeros((512, 512, 3, 9)))
    with pytest.raises(InputError, match=r"x\.npz holds textures of .*take FLAME_texture\.npz"):
        import_file(tmp_path / "x.npz", tmp_path)


@pytest.mark.parametrize("seed", [None, 5])
def test_texture_coordinates(goldens, folder, seed):
    """The .obj may list its faces in another order than the pickle."""
    report = import_file(write_template(folder / "any.obj", goldens, seed), folder)
    assert (report.kind, report.output.name) == ("flame_uv", "flame_uv.safetensors")
    head, golden = open_head(folder), golden_head(goldens / "geometry")
    torch.testing.assert_close(head.uvs, golden.uvs)
    assert torch.equal(head.uv_faces, golden.uv_faces)


def test_coordinates_of_another_mesh():
    faces = torch.tensor([[0, 1, 2], [2, 1, 3]])
    with pytest.raises(InputError, match="other faces"):
        match_uv_faces(faces, torch.tensor([[0, 1, 2], [0, 1, 3]]), faces)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: lines[:9000], "5023 vertices and 0 faces"),
        (lambda lines: lines[9:], "5016 vertices"),
        (lambda lines: [*lines[:-1], "f 1 2 3"], "no triangles with texture coordinates"),
        (lambda lines: [*lines[:-1], "f 1/1 2/2 3/9999"], "names vertices"),
        (lambda lines: [*lines[:-1], "f 1/1 2/2 3/x"], "damaged at 'f 1/1 2/2 3/x"),
        (lambda lines: [*lines[:-1], f"f 1/1 2/2 3/{10**30}"], "names vertices"),
        (lambda lines: [*lines[:-1], "f 1/1 2/2 0/3"], "names vertices"),
        (
            lambda lines: [line.replace("vt ", "vt nan ") for line in lines],
            "texture coordinates that are no finite numbers",
        ),
    ],
)
def test_an_obj_that_does_not_fit(goldens, tmp_path, change, words):
    path = write_template(tmp_path / "x.obj", goldens)
    path.write_text("\n".join(change(path.read_text().splitlines())))
    with pytest.raises(InputError, match=rf"x\.obj .*{words}.*head_template\.obj from"):
        import_file(path, tmp_path)


def test_landmarks(goldens, folder):
    report = import_file(write_landmarks(folder / "any.npy", goldens), folder)
    assert (report.kind, report.output.name) == ("flame_landmarks", "flame_landmarks.safetensors")
    head, golden = open_head(folder), golden_head(goldens / "geometry")
    for name in ("static", "contour", "full"):
        ours, theirs = getattr(head.landmarks, name), getattr(golden.landmarks, name)
        assert torch.equal(ours.faces, theirs.faces)
        assert torch.equal(ours.bary, theirs.bary)


class Calls:
    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call[0], self.call[1:]


@pytest.mark.parametrize("hidden", [False, True])
def test_landmarks_that_call_the_system_are_refused(goldens, tmp_path, hidden):
    """Plainly, and hidden in the bytes of a torch tensor."""
    marker = tmp_path / "marker"
    write_landmarks(tmp_path / "x.npy", goldens)
    content = np.load(tmp_path / "x.npy", allow_pickle=True).item()
    bad = Calls(os.system, f"touch {marker}")
    if hidden:
        file = tmp_path / "inner"
        torch.save({"x": bad}, file, _use_new_zipfile_serialization=False)
        bad = Calls(torch.storage._load_from_bytes, file.read_bytes())
    content["dynamic_lmk_bary_coords"] = bad
    np.save(tmp_path / "x.npy", content, allow_pickle=True)
    with pytest.raises(InputError, match=r"^x\.npy is refused.*system"):
        import_file(tmp_path / "x.npy", tmp_path)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"full_lmk_faces_idx": None}, "lacks full_lmk_faces_idx"),
        (
            {"static_lmk_faces_idx": np.zeros(50)},
            r"static_lmk_faces_idx must be \(51,\), got \(50,",
        ),
        ({"static_lmk_faces_idx": np.full(51, 9976)}, "beyond FLAME's 9976"),
        (
            {"static_lmk_bary_coords": np.full((51, 3), np.inf)},
            "no finite numbers in static_lmk_bary_coords",
        ),
        (
            {"static_lmk_faces_idx": np.full(51, np.nan)},
            "no finite numbers in static_lmk_faces_idx",
        ),
        ({"static_lmk_bary_coords": np.full((51, 3), "x")}, "must be numbers"),
        ({"static_lmk_bary_coords": np.full((51, 3), 0.5)}, "static_lmk_bary_coords must be baryc"),
        ({"full_lmk_bary_coords": np.tile([1.2, -0.2, 0.0], (68, 1))}, "must be barycentric"),
    ],
)
def test_landmarks_that_do_not_fit(goldens, tmp_path, change, words):
    write_landmarks(tmp_path / "x.npy", goldens)
    content = np.load(tmp_path / "x.npy", allow_pickle=True).item() | change
    np.save(tmp_path / "x.npy", {k: v for k, v in content.items() if v is not None})
    right = r"take landmark_embedding\.npy from https://"
    with pytest.raises(InputError, match=rf"^x\.npy.*{words}.*{right}"):
        import_file(tmp_path / "x.npy", tmp_path)


def test_mesh_points(folder):
    report = import_file(write_mesh_points(folder / "any.npz"), folder)
    assert report.output.name == "flame_mesh_points.safetensors"
    with np.load(folder / "any.npz") as stored:
        indices, embedding = open_head(folder).mesh_points
        assert indices.tolist() == stored["landmark_indices"].tolist()
        assert embedding.faces.tolist() == stored["lmk_face_idx"].tolist()
        np.testing.assert_allclose(embedding.bary, stored["lmk_b_coords"], atol=1e-7)


def test_mesh_points_that_do_not_fit(tmp_path):
    path = write_mesh_points(tmp_path / "x.npz")
    good = dict(np.load(path))
    twice = good["landmark_indices"].copy()
    twice[50] = twice[3]
    bary = good["lmk_b_coords"].copy()
    bary[9] = [0.6, 0.6, -0.2]
    for change, words in (
        ({"landmark_indices": np.arange(7)}, "as many points"),
        ({"landmark_indices": np.arange(400, 505)}, "mesh of 478"),
        ({"landmark_indices": np.zeros(0)}, r"landmark_indices must be \(k,\), got \(0,\)"),
        ({"landmark_indices": twice}, f"places point {twice[3]} of the face mesh twice"),
        ({"lmk_b_coords": bary}, "lmk_b_coords must be barycentric, three weights from 0 to 1"),
        ({"lmk_b_coords": good["lmk_b_coords"] * 0.9}, "lmk_b_coords must be barycentric"),
        ({"lmk_b_coords": np.full((105, 3), np.nan)}, "no finite numbers in lmk_b_coords"),
        ({"lmk_b_coords": np.ones(104)}, r"lmk_b_coords must be \(k, 3\), got \(104,\)"),
        ({"lmk_face_idx": np.full(105, 9976)}, "faces beyond FLAME's 9976"),
    ):
        np.savez(path, **good | change)
        right = r"take mediapipe_landmark_embedding\.npz from https://"
        with pytest.raises(InputError, match=rf"^x\.npz.*{words}.*{right}"):
            import_file(path, tmp_path)
    assert not list(tmp_path.glob("*.safetensors"))


@pytest.mark.parametrize("names", [("l_eyelid", "r_eyelid"), ("lid one", "lid two")])
@pytest.mark.parametrize("shape", [(5023, 3), (1, 5023, 3)])
def test_eyelids_come_in_pairs(goldens, folder, names, shape):
    """Sides are told by names, and where these do not say, by the half that moves."""
    down = {side: eyelid(goldens, 1 if side == names[0] else -1) for side in names}
    first, second = (folder / f"{name}.npy" for name in names)
    np.save(second, down[names[1]].reshape(shape))
    alone = import_file(second, folder)
    assert alone.output is None
    assert "waits for the other lid" in alone.notes[0]
    np.save(first, down[names[0]].reshape(shape))
    both = import_file(second, folder)
    assert both.output == folder / "flame_eyelids.safetensors"
    assert both.what == f"both eyelids of FLAME, {first.name} left and {second.name} right"
    basis = open_head(folder).eyelid_basis
    for lid, name in zip(basis, names, strict=True):
        torch.testing.assert_close(lid.T, torch.from_numpy(down[name]).float())


def test_the_other_lid_may_lie_in_the_models_folder(goldens, folder, tmp_path_factory):
    np.save(folder / "l_eyelid.npy", eyelid(goldens, 1))
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "r_eyelid.npy"
    np.save(elsewhere, eyelid(goldens, -1))
    assert import_file(elsewhere, folder).output is not None


def test_names_go_before_the_half_that_moves(goldens, folder):
    np.save(folder / "l_eyelid.npy", eyelid(goldens, -1))
    np.save(folder / "r_eyelid.npy", eyelid(goldens, 1))
    report = import_file(folder / "l_eyelid.npy", folder)
    assert "moves the right half" in report.notes[-1]
    left = open_head(folder).eyelid_basis[0]
    torch.testing.assert_close(left.T, torch.from_numpy(eyelid(goldens, -1)).float())


def test_one_lid_under_two_names(goldens, folder):
    for name in ("l_eyelid", "r_eyelid"):
        np.save(folder / f"{name}.npy", eyelid(goldens, 1))
    with pytest.raises(InputError, match="both move the left half"):
        import_file(folder / "r_eyelid.npy", folder)


def test_lids_without_names_need_a_head(goldens, tmp_path):
    for name, side in (("one", 1), ("two", -1)):
        np.save(tmp_path / f"{name}.npy", eyelid(goldens, side))
    with pytest.raises(InputError, match=r"which is the left lid\? Name them"):
        import_file(tmp_path / "one.npy", tmp_path)


def test_an_eyelid_with_noise_elsewhere(goldens):
    noise = np.random.default_rng(0).normal(0, 1e-5, (5023, 3))
    assert eyelids.is_eyelid(eyelid(goldens, 1) + noise)
    assert not eyelids.is_eyelid(np.full((5023, 3), np.nan))


def test_vertices_are_no_eyelid(goldens, tmp_path):
    vertices: Tensor = golden_head(goldens / "geometry").template.T
    assert not eyelids.is_eyelid(vertices.numpy())
    np.save(tmp_path / "l_eyelid.npy", vertices.numpy())
    with pytest.raises(InputError, match=r"l_eyelid\.npy is none of the files"):
        import_file(tmp_path / "l_eyelid.npy", tmp_path)
