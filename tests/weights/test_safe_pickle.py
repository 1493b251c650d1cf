"""The allow-list: what it reads, and that nothing else runs."""

import builtins
import io
import os
import pickle
import warnings
from collections import OrderedDict

import numpy as np
import pytest
import torch
from scipy import sparse

from magicportrait_core.errors import InputError
from magicportrait_core.weights.safe_pickle import ALLOWED, load_pickle, loads


def dumped(value, protocol=2):
    return pickle.dumps(value, protocol)


class Calls:
    """Pickles as a call of any function."""

    def __init__(self, function, *args):
        self.call = (function, args)

    def __reduce__(self):
        return self.call


@pytest.fixture
def marker(tmp_path):
    """A file that a pickle makes if it runs anything; the test fails where it is there."""
    path = tmp_path / "marker"
    yield path
    assert not path.exists()


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_come_back(protocol):
    made = {
        "f8": np.arange(6.0).reshape(2, 3),
        "f4, transposed": np.arange(6, dtype=">f4").reshape(2, 3).T,
        "u4": np.array([2**32 - 1], np.uint32),
        "texts": np.array(["a", "bc"]),
        "nothing": np.zeros((0, 3)),
        "bool": np.array([True, False]),
    }
    read = loads(dumped(made, protocol), "x.pkl")
    for name, array in made.items():
        np.testing.assert_array_equal(read[name], array)
        assert read[name].dtype == array.dtype


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values_come_back(protocol):
    value = {
        "s": {1, 2},
        "f": frozenset("a"),
        "o": OrderedDict(a=1),
        "t": (1, [b"\xff", 2.5, None]),
    }
    assert loads(dumped(value, protocol), "x.pkl") == value | {"o": {"a": 1}}


@pytest.mark.parametrize("form", ["csc", "csr", "coo"])
@pytest.mark.parametrize("kind", ["matrix", "array"])
def test_sparse_matrices_come_back(form, kind):
    dense = np.random.default_rng(0).integers(0, 3, (4, 7)).astype(float)
    made = getattr(sparse, f"{form}_{kind}")(dense)
    np.testing.assert_array_equal(loads(dumped(made), "x.pkl").toarray(), dense)


def test_objects_in_arrays_come_back():
    nested = np.empty(2, object)
    nested[:] = [np.arange(3), {"a": np.ones(2)}]
    read = loads(dumped(nested), "x.pkl")
    np.testing.assert_array_equal(read[0], [0, 1, 2])
    np.testing.assert_array_equal(read[1]["a"], [1, 1])


def test_what_is_shared_or_cyclic_comes_back_so():
    inner = [np.arange(2)]
    loop = [inner, inner]
    loop.append(loop)
    read = loads(dumped(loop), "x.pkl")
    assert read[0] is read[1]
    assert read[2] is read


def test_lists_within_lists_come_back():
    value = []
    for _ in range(40):
        value = [value]
    assert loads(dumped(value), "x.pkl") == value
    value = []
    for _ in range(16):
        value = [value, value]
    assert loads(dumped(value), "x.pkl") == value


def test_a_text_that_is_used_again_beside_itself_comes_back():
    """As chumpy's state names its own parts: {"x": array, "_dirty_vars": {"x"}}."""
    state = {"x": np.zeros(9), "y": ["x"] * 40, "z": ("x", {"x"}, {"x": ["y", ("y", "x")]})}
    again = dumped(state)
    assert again.count(b"X\x01\x00\x00\x00x") == 1, "it is written once"
    made = loads(again, "state.pkl")
    assert np.array_equal(made.pop("x"), np.zeros(9))
    assert made == {name: state[name] for name in "yz"}


def test_a_tuple_that_is_used_again_beside_itself_comes_back():
    pair = ("x", 1)
    assert loads(dumped({pair: [pair] * 40}), "state.pkl") == {pair: [pair] * 40}


def test_an_object_that_holds_itself_comes_back():
    """Python 2's chumpy, whose state may name the object; only x is read."""
    state = b"}q\x02(U\x02meq\x03h\x01U\x01xU\x05valueu"
    data = b"\x80\x02cchumpy.ch\nCh\n)\x81q\x01" + state + b"b."
    assert loads(data, "chumpy.pkl") == "value"


@pytest.mark.parametrize("kind", ["chumpy.ch\nCh", "scipy.sparse.csc\ncsc_matrix"])
def test_a_state_of_pairs_is_refused(kind):
    data = b"\x80\x02c" + kind.encode() + b"\n)\x81](U\x01xK\x01\x86eb."
    with pytest.raises(InputError, match="an object without named parts"):
        loads(data, "state.pkl")


def test_many_tensors_in_a_list_of_pairs_come_back():
    """As Python 2 wrote an OrderedDict."""
    pairs = [[f"layer.{n}.weight", np.float32(n)] for n in range(800)]
    made = loads(dumped(Calls(OrderedDict, pairs)), "state.pkl")
    assert list(made) == [name for name, _ in pairs]


def test_doubling_lists_are_refused():
    value = []
    for _ in range(40):
        value = [value, value]
    with pytest.raises(InputError, match=r"^x\.pkl is refused: .* would never end"):
        loads(dumped(value), "x.pkl")


@pytest.mark.parametrize("name", ["chumpy_sample", "chumpy_py2style_sample"])
def test_chumpy_samples(goldens, name):
    read = load_pickle(goldens / "geometry" / f"{name}.pkl")
    assert read["v_template"].shape == (5, 3)
    assert read["v_template"].dtype == np.float64
    assert read["kintree_table"].tolist()[0] == [2**32 - 1, 0, 1, 1, 1]
    assert read["J_regressor"].toarray().shape == (5, 50)
    assert read["f"][0].tolist() == [2576, 2516, 2517]


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (os.system, ("touch {marker}",)),
        (builtins.eval, ("open('{marker}', 'w')",)),
        (builtins.exec, ("open('{marker}', 'w')",)),
        (builtins.open, ("{marker}", "w")),
        (getattr, ("{marker}", "join")),
        (np.save, ("{marker}", 1)),
        (torch.save, (1, "{marker}")),
        (__import__, ("os",)),
        (pickle.loads, (b"",)),
        (np.load, ("{marker}",)),
    ],
)
def test_calls_are_refused_by_name(function, args, marker):
    args = [a.format(marker=marker) if isinstance(a, str) else a for a in args]
    data = dumped({"v_template": np.ones(3), "more": Calls(function, *args)}, 4)
    with pytest.raises(InputError, match=rf"bad\.pkl is refused: .*{function.__name__}"):
        loads(data, "bad.pkl")


def test_a_call_hidden_in_an_array_of_objects_is_refused(marker):
    nested = np.empty(1, object)
    nested[0] = {"x": Calls(os.system, f"touch {marker}")}
    with pytest.raises(InputError, match=r"refused.*system"):
        loads(dumped(nested), "bad.pkl")


@pytest.mark.parametrize("name", ["ndarray.__reduce__", "core.os.system", "_reconstruct._call"])
@pytest.mark.parametrize("module", ["numpy", "numpy.core.multiarray", "builtins"])
def test_names_with_dots_lead_nowhere(module, name):
    def text(word):
        return b"\x8c" + bytes([len(word)]) + word.encode()

    data = b"\x80\x04" + text(module) + text(name) + b"\x93."
    with pytest.raises(InputError, match=f"asks for {module}.{name}"):
        loads(data, "bad.pkl")


def torch_bytes(content):
    """A file of torch, in the form that is found inside pickled tensors."""
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=False)
    return file.getvalue()


def test_a_call_hidden_in_the_bytes_of_a_tensor_is_refused(marker):
    inside = torch_bytes({"x": Calls(os.system, f"touch {marker}")})
    data = dumped(Calls(torch.storage._load_from_bytes, inside))
    with pytest.raises(InputError, match=r"refused.*system"):
        loads(data, "bad.npy")


def test_other_things_than_values_in_the_bytes_of_a_tensor_are_refused():
    data = dumped(Calls(torch.storage._load_from_bytes, torch_bytes({"a": 1})))
    with pytest.raises(InputError, match="something else"):
        loads(data, "bad.npy")
    archive = io.BytesIO()
    torch.save(torch.ones(2), archive)
    data = dumped(Calls(torch.storage._load_from_bytes, archive.getvalue()))
    with pytest.raises(InputError, match="archive"):
        loads(data, "bad.npy")


@pytest.mark.parametrize("size", [(10**12,), (3, 2), (-1,)])
def test_tensors_larger_than_their_values_are_refused(size):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        storage = torch.ones(4).storage()
    stride = (0,) * len(size)
    call = Calls(torch._utils._rebuild_tensor_v2, storage, 0, size, stride, False, OrderedDict())
    with pytest.raises(InputError, match="tensor of shape"):
        loads(dumped(call), "bad.npy")


def test_tensors_come_back_as_arrays():
    made = {"a": torch.arange(6).reshape(2, 3).T, "b": torch.rand(5)[1:3].double()}
    read = loads(dumped(made), "x.npy")
    for name, tensor in made.items():
        np.testing.assert_array_equal(read[name], tensor.numpy())


def attributes():
    """Of every class that a pickle may use."""
    return {n: dict(vars(made)) for n, made in ALLOWED.items() if isinstance(made, type)}


def test_an_object_of_a_class_of_python_2_is_refused_by_name(marker):
    data = f"(S'touch {marker}'\nios\nsystem\n.".encode()
    with pytest.raises(InputError, match=r"instruction INST for os\.system"):
        loads(data, "bad.pkl")
    assert not marker.exists()


@pytest.mark.parametrize(
    "data",
    [
        # BUILD on a class and on a function, with attributes to set
        b"\x80\x02cnumpy\nndarray\nN}U\x0c__setstate__U\x01xs\x86b.",
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nN}U\x05_callU\x01xs\x86b.",
        b"\x80\x02c__builtin__\nset\nN}U\x05_callU\x01xs\x86b.",
        # the state of objects that does not fit them
        b"\x80\x02cnumpy\nndarray\n)\x81K\x01b.",
        b"\x80\x02cscipy.sparse.csc\ncsc_matrix\n)\x81}b.",
        b"\x80\x02cchumpy.ch\nCh\n)\x81}b.",
        b"\x80\x02cchumpy.ch\nCh\n)\x81.",
        # bytes(2**40), a memo of 2**31 places, a text of 2**60 letters, another file's object
        b"\x80\x02c__builtin__\nbytes\n\x8a\x06\x00\x00\x00\x00\x00\x01\x85R.",
        b"\x80\x02Nr\xff\xff\xff\x7f.",
        b"\x80\x04\x8d\x00\x00\x00\x00\x00\x00\x00\x10abc.",
        b"\x80\x02U\x01xQ.",
        b"\x80\x02\x82\x01.",
        b"",
        b"hello",
    ],
)
def test_crooked_pickles_are_one_sentence(data):
    before = attributes()
    with pytest.raises(InputError, match=r"^bad\.pkl "):
        loads(data, "bad.pkl")
    assert attributes() == before


def test_an_array_of_raw_pointers_is_refused():
    """Objects given as bytes would be followed as addresses."""
    state = b"(K\x01K\x01\x85cnumpy\ndtype\nU\x02O8K\x00K\x01\x87R\x89U\x08AAAAAAAAt"
    data = b"\x80\x02cnumpy\nndarray\n)\x81" + state + b"b."
    with pytest.raises(InputError, match="not listed"):
        loads(data, "bad.pkl")


def test_a_sparse_matrix_beyond_its_shape_is_refused():
    made = sparse.csc_matrix(np.eye(3))
    made.indices = np.array([0, 1, 900], np.int32)
    with pytest.raises(InputError, match=r"bad\.pkl"):
        loads(dumped(made), "bad.pkl")


@pytest.mark.parametrize("dtype", ["M8[s]", [("a", "f4")], "V8"])
def test_other_types_of_arrays_are_refused(dtype):
    with pytest.raises(InputError, match="array of type"):
        loads(dumped(np.zeros(2, dtype)), "bad.pkl")


def test_truncated_at_any_place(goldens):
    data = (goldens / "geometry" / "chumpy_sample.pkl").read_bytes()
    for end in range(0, len(data) - 1, 7):
        with pytest.raises(InputError, match=r"^cut\.pkl "):
            loads(data[:end], "cut.pkl")


def test_too_large(tmp_path):
    (tmp_path / "x.pkl").write_bytes(dumped(b"x" * 100))
    with pytest.raises(InputError, match="at most 50"):
        load_pickle(tmp_path / "x.pkl", limit=50)


def test_nothing_allowed_is_a_module_or_runs_code():
    names = {name for _, name in ALLOWED}
    assert not names & {"eval", "exec", "getattr", "setattr", "open", "__import__", "compile"}
    assert all(isinstance(m, type) or type(m).__name__ == "Allowed" for m in ALLOWED.values())
