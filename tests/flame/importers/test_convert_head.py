"""FLAME pickles, as their makers write them, into head models."""

import hashlib
import os
import pickle

import numpy as np
import pytest
import torch
from safetensors import safe_open

from magicportrait_core.errors import InputError
from magicportrait_core.flame.importers.convert import import_file
from magicportrait_core.flame.importers.model import guess_name
from magicportrait_core.flame.library.library import heads, open_head
from magicportrait_core.types import HeadParams
from tests.golden_head import golden_head
from tests.official_files import flame_content, write_flame, write_flame_of_python_2


@pytest.fixture(scope="module")
def content(goldens):
    return flame_content(goldens)


@pytest.fixture(scope="module")
def pickled(content, tmp_path_factory):
    """generic_model.pkl at its full size: 53 MB of numbers, some more as Python 3 writes them."""
    path = write_flame(tmp_path_factory.mktemp("official") / "generic_model.pkl", content)
    assert 52e6 < path.stat().st_size < 62e6
    return path


@pytest.mark.parametrize("write", [write_flame, write_flame_of_python_2])
def test_both_dialects_give_the_golden_head(content, goldens, tmp_path, write):
    path = write(tmp_path / "generic_model.pkl", content)
    data = path.read_bytes()
    assert (b"numpy.core" in data) == (write is write_flame_of_python_2)
    report = import_file(path, tmp_path)
    assert report.output == tmp_path / "flame2020_generic.safetensors"
    assert report.kind == "flame2020"
    assert "was guessed from its name: flame2020_generic" in report.notes[0]
    assert path.read_bytes() == data
    head, golden = open_head(tmp_path), golden_head(goldens / "geometry")
    assert head.basis == golden.basis
    g = torch.Generator().manual_seed(0)
    params = HeadParams(
        torch.randn(300, generator=g), torch.randn(2, 100, generator=g),
        *(0.3 * torch.randn(2, 3, generator=g) for _ in range(3)),
        0.2 * torch.randn(2, 6, generator=g), None, golden.basis,
    )  # fmt: skip
    assert torch.equal(head.vertices(params), golden.vertices(params))


def test_metadata_tells_where_it_came_from(pickled, tmp_path):
    report = import_file(pickled, tmp_path)
    with safe_open(report.output, "pt") as file:
        metadata = file.metadata()
    assert metadata["kind"] == "head_model"
    assert metadata["source_file"] == "generic_model.pkl"
    assert metadata["source_sha256"] == hashlib.sha256(pickled.read_bytes()).hexdigest()
    assert metadata["source"].startswith("https://flame.is.tue.mpg.de")
    assert "read it at the source" in metadata["licence"]
    assert metadata["converted"].startswith("20")


def test_what_is_declared_goes_before_the_name(pickled, tmp_path):
    report = import_file(pickled, tmp_path, declared="flame2023_open")
    assert report.output.name == "flame2023_open.safetensors"
    assert report.notes == ()
    assert heads(tmp_path) == ["flame2023_open"]
    with pytest.raises(InputError, match="small letters"):
        import_file(pickled, tmp_path, declared="../x")


def test_a_head_takes_no_name_that_is_something_elses(pickled, tmp_path):
    """flame_texture.safetensors would be written over the texture."""
    for name, what in (
        ("flame_texture", "texture space of FLAME"), ("deca", "shape, texture, light and camera"),
        ("gnm_head", "head model GNM"), ("denoising_unet", "denoising UNet"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=f"cannot be called {name}, which is {what}"):
            import_file(pickled, tmp_path, declared=name)
    assert not list(tmp_path.glob("*.safetensors"))
    report = import_file(pickled, tmp_path, declared="flame2020_genric")
    assert report.notes[0].startswith("flame2020_genric is a name of your own; those known are")


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("generic_model.pkl", "flame2020_generic"),
        ("male_model.pkl", "flame2020_male"),
        ("female_model.pkl", "flame2020_female"),
        ("flame2023.pkl", "flame2023"),
        ("flame2023_Open.pkl", "flame2023_open"),
        ("FLAME2023_Open.pkl", "flame2023_open"),
        ("flame2023_no_jaw.pkl", "flame2023_no_jaw"),
        ("my own head.pkl", "my_own_head"),
    ],
)
def test_names_that_are_guessed(file, name):
    assert guess_name(file) == name


def test_another_file_under_the_same_name_is_told(content, pickled, tmp_path):
    import_file(pickled, tmp_path)
    assert len(import_file(pickled, tmp_path).notes) == 1
    other = {**content, "v_template": content["v_template"] * 1.1}
    again = import_file(write_flame(tmp_path / "generic_model.pkl", other), tmp_path)
    assert "flame2020_generic.safetensors, made from generic_model.pkl, was replaced" in again.notes


def test_a_truncated_pickle(pickled, tmp_path):
    (tmp_path / "generic_model.pkl").write_bytes(pickled.read_bytes()[:30_000_000])
    with pytest.raises(InputError, match=r"generic_model\.pkl .*its end is missing"):
        import_file(tmp_path / "generic_model.pkl", tmp_path)
    assert not list(tmp_path.glob("*.safetensors"))


class Calls:
    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call[0], self.call[1:]


def test_a_pickle_that_calls_the_system_is_refused(content, tmp_path):
    marker = tmp_path / "marker"
    path = tmp_path / "generic_model.pkl"
    bad = {**content, "shapedirs": Calls(os.system, f"touch {marker}")}
    path.write_bytes(pickle.dumps(bad, 2))
    with pytest.raises(InputError, match=r"generic_model\.pkl is refused: it asks for posix\.syst"):
        import_file(path, tmp_path)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"shapedirs": np.zeros((5023, 3, 300))}, "shapedirs must be"),
        ({"posedirs": None}, "posedirs is missing"),
        ({"weights": np.full((5023, 5), np.nan)}, "no finite numbers in the skinning weights"),
        ({"f": np.full((9976, 3), 5023)}, "faces of vertices beyond the 5023"),
        ({"f": np.full((9976, 3), 1.5)}, "f must be whole numbers"),
        ({"f": np.full((9976, 3), np.nan)}, "f must be whole numbers"),
        ({"f": [[0, 1, 2]]}, "f must be an array, got a list"),
        ({"weights": "five"}, "weights must be an array, got a str"),
        ({"weights": np.full((5023, 5), "x")}, "weights must be numbers"),
        ({"weights": np.full((5023, 5), 0.19)}, "at 5023 of 5023 vertices: .* 0 are 0.95 together"),
        ({"J_regressor": np.ones((5023, 5))}, r"J_regressor must be \(5, 5023\), got \(5023, 5\)"),
        ({"J_regressor": np.ones((4, 5023))}, r"J_regressor must be \(5, 5023\), got \(4, 5023\)"),
        ({"kintree_table": np.arange(5)}, r"kintree_table must be \(2, 5\), got \(5,\)"),
        ({"kintree_table": np.float64(3)}, r"kintree_table must be \(2, 5\), got \(\)"),
    ],
)
def test_arrays_that_do_not_fit(content, tmp_path, change, words):
    bad = {k: v for k, v in {**content, **change}.items() if v is not None}
    _refused(tmp_path, bad, words)


def _refused(folder, content, words):
    """The file, what was expected, where the right one comes from; nothing is written."""
    path = write_flame(folder / "generic_model.pkl", content)
    right = r"take generic_model\.pkl from https://flame\.is\.tue\.mpg\.de"
    with pytest.raises(InputError, match=rf"^generic_model\.pkl .*{words}.*{right}") as caught:
        import_file(path, folder)
    assert "\n" not in str(caught.value)
    assert not list(folder.glob("*.safetensors"))


def test_a_vertex_that_no_joint_carries(content, tmp_path):
    weights = content["weights"].copy()
    weights[[7, 4000]] = 0
    _refused(
        tmp_path, {**content, "weights": weights}, "at 2 of 5023 vertices: .* 7 are 0 together"
    )


def test_weights_may_be_rounded(content, tmp_path):
    rounded = {**content, "weights": content["weights"].astype(np.float16).astype(np.float64)}
    assert import_file(write_flame(tmp_path / "generic_model.pkl", rounded), tmp_path).output


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("v_template", np.nan, "the template"),
        ("shapedirs", -np.inf, "the shape basis"),
        ("posedirs", 1e300, "the pose correctives"),
        ("J_regressor", np.nan, "the joints"),
    ],
)
def test_numbers_that_are_not_finite(content, tmp_path, key, value, words):
    array = content[key].copy()
    array.flat[3] = value
    _refused(tmp_path, {**content, key: array}, f"no finite numbers in {words}")


@pytest.mark.parametrize(
    ("parents", "joints", "words"),
    [
        (
            [-1, 0, 1, 1, 2],
            [0, 1, 2, 3, 4],
            r"hang on \(0, 1, 1, 1\), this file says \(0, 1, 1, 2\)",
        ),
        ([-1, 2, 1, 1, 1], [0, 1, 2, 3, 4], r"this file says \(2, 1, 1, 1\)"),
        ([3, 0, 1, 1, 1], [0, 1, 2, 3, 4], "kintree_table is no tree: .* got 3 and"),
        ([-1, 0, 1, 1, 1], [0, 1, 2, 2, 4], r"joints must be 0\.\.4, .*\[0, 1, 2, 2, 4\]"),
        ([np.nan] * 5, [0, 1, 2, 3, 4], r"this file says \(0, 0, 0, 0\)"),
    ],
)
def test_joints_that_are_no_tree_of_flame(content, tmp_path, parents, joints, words):
    _refused(tmp_path, {**content, "kintree_table": np.array([parents, joints])}, words)


def test_a_model_of_a_body_is_told_from_a_head(content, tmp_path):
    v, j = 6890, 24
    body = {
        "v_template": np.zeros((v, 3)),
        "shapedirs": np.zeros((v, 3, 10)),
        "posedirs": np.zeros((v, 3, 9 * (j - 1))),
        "weights": np.zeros((v, j)),
        "J_regressor": np.zeros((j, v)),
        "kintree_table": np.zeros((2, j)),
        "f": np.zeros((13776, 3)),
    }
    with pytest.raises(
        InputError, match=r"no FLAME model.*take generic_model\.pkl from https://fl"
    ):
        import_file(write_flame(tmp_path / "basicModel.pkl", body), tmp_path)


def test_other_pickles_and_other_files(tmp_path):
    path = tmp_path / "FLAME_masks.pkl"
    path.write_bytes(pickle.dumps({"face": np.arange(3), "neck": np.arange(2)}))
    with pytest.raises(InputError, match=r"FLAME_masks\.pkl is none of.*face, neck"):
        import_file(path, tmp_path)
    path = tmp_path / "picture.pkl"
    path.write_bytes(b"\xff\xd8\xff\xe0" + bytes(range(256)))
    with pytest.raises(InputError, match=r"^picture\.pkl is no pickle"):
        import_file(path, tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        import_file(tmp_path / "nothing.pkl", tmp_path)
