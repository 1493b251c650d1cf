"""Files as the makers of FLAME, DECA, SMIRK and GNM publish them, made of synthetic arrays."""

from __future__ import annotations

import pickle
import struct
import sys
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from scipy.sparse import csc_matrix
from torch import Tensor

from magicportrait_core.flame.importers.manifests import Shapes
from tests.golden_head import official_arrays, official_texture

_CHUMPY = ("v_template", "shapedirs", "J")


class Ch:
    """chumpy's array, as far as its pickles show it."""

    def __init__(self, x: np.ndarray) -> None:
        self.x = x

    def __getstate__(self) -> dict:
        return {"_dirty_vars": {"x"}, "_itr": None, "_depends_on_deps": {}, "x": self.x}


@contextmanager
def chumpy_module() -> Iterator[None]:
    """chumpy.ch while a pickle is written."""
    package, module = types.ModuleType("chumpy"), types.ModuleType("chumpy.ch")
    module.Ch, package.ch = Ch, module
    Ch.__module__, Ch.__qualname__ = "chumpy.ch", "Ch"
    sys.modules |= {"chumpy": package, "chumpy.ch": module}
    try:
        yield
    finally:
        del sys.modules["chumpy"], sys.modules["chumpy.ch"]


def flame_content(goldens: Path) -> dict[str, object]:
    """What generic_model.pkl holds: float64 arrays, the kinematic table unsigned."""
    arrays = {k: v.numpy() for k, v in official_arrays(goldens / "geometry").items()}
    content: dict[str, object] = {
        k: a.astype(np.float64) for k, a in arrays.items() if k not in {"f", "kintree_table"}
    }
    content["f"] = arrays["f"].astype(np.uint32)
    content["kintree_table"] = arrays["kintree_table"].astype(np.uint32)
    content["J"] = content["J_regressor"] @ content["v_template"]
    return content | {"bs_style": "lbs", "bs_type": "lrotmin"}


def write_flame(path: Path, content: Mapping[str, object]) -> Path:
    """Protocol 2, with chumpy's arrays and scipy's sparse matrix."""
    dressed = {k: Ch(v) if k in _CHUMPY else v for k, v in content.items()}
    dressed["J_regressor"] = csc_matrix(dressed["J_regressor"])
    with chumpy_module():
        path.write_bytes(pickle.dumps(dressed, 2))
    return path


def write_flame_of_python_2(path: Path, content: Mapping[str, object]) -> Path:
    """The same as Python 2 wrote it: texts as bytes, old module names."""
    parts = [b"\x80\x02}("]
    for key, value in content.items():
        parts.append(_py2_text(key.encode()))
        if key == "J_regressor":
            parts.append(_py2_sparse(csc_matrix(value)))
        elif isinstance(value, str):
            parts.append(_py2_text(value.encode()))
        elif key in _CHUMPY:
            state = _py2_text(b"_dirty_vars") + b"c__builtin__\nset\n](U\x01xe\x85R"
            parts.append(b"cchumpy.ch\nCh\n)\x81}(" + state + b"U\x01x" + _py2_array(value) + b"ub")
        else:
            parts.append(_py2_array(value))
    path.write_bytes(b"".join([*parts, b"u."]))
    return path


def _py2_text(text: bytes) -> bytes:
    return b"T" + struct.pack("<i", len(text)) + text


def _py2_number(n: int) -> bytes:
    return b"J" + struct.pack("<i", n)


def _py2_array(array: np.ndarray) -> bytes:
    kind = array.dtype.str[1:].encode()
    dtype = (
        b"cnumpy\ndtype\n" + _py2_text(kind) + b"K\x00K\x01\x87R"
        b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    )
    shape = b"(" + b"".join(_py2_number(n) for n in array.shape) + b"t"
    made = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    return made + b"(K\x01" + shape + dtype + b"\x89" + _py2_text(array.tobytes()) + b"tb"


def _py2_sparse(matrix: csc_matrix) -> bytes:
    state = b"".join(
        _py2_text(name.encode()) + _py2_array(getattr(matrix, name))
        for name in ("indices", "indptr", "data")
    )
    shape = _py2_text(b"_shape") + _py2_number(matrix.shape[0]) + _py2_number(matrix.shape[1])
    return b"cscipy.sparse.csc\ncsc_matrix\n)\x81}(" + shape + b"\x86" + state + b"ub"


def write_landmarks(path: Path, goldens: Path) -> Path:
    """landmark_embedding.npy: the contour's are torch tensors."""
    stored = load_file(goldens / "geometry" / "synth_flame.safetensors")
    content = {}
    for name in ("static_lmk", "dynamic_lmk", "full_lmk"):
        for kind in ("faces_idx", "bary_coords"):
            tensor = stored[f"{name}_{kind}"]
            content[f"{name}_{kind}"] = tensor if name == "dynamic_lmk" else tensor.numpy()
    np.save(path, content, allow_pickle=True)
    return path


def write_template(path: Path, goldens: Path, seed: int | None = None) -> Path:
    """head_template.obj; with a seed its faces come in another order, from other corners."""
    stored = load_file(goldens / "geometry" / "synth_flame.safetensors")
    faces, uv_faces = stored["f"].long(), stored["uv_f"].long()
    if seed is not None:
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(faces), generator=generator)
        turn = torch.randint(3, (len(faces), 1), generator=generator)
        corners = (torch.arange(3) + turn) % 3
        faces, uv_faces = faces[order].gather(1, corners), uv_faces[order].gather(1, corners)
    lines = ["# a head", "mtllib head_template.mtl"]
    lines += ["v {} {} {}".format(*v) for v in stored["v_template"].tolist()]
    lines += ["vt {} {}".format(*uv) for uv in stored["uv"].tolist()]
    pairs = zip((faces + 1).tolist(), (uv_faces + 1).tolist(), strict=True)
    lines += ["f " + " ".join(f"{v}/{t}" for v, t in zip(*p, strict=True)) for p in pairs]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_texture(path: Path, goldens: Path) -> Path:
    """FLAME_texture.npz with 50 of its 200 components."""
    mean, basis = official_texture(goldens / "geometry")
    np.savez(path, mean=mean.numpy(), tex_dir=basis.numpy())
    return path


def write_mesh_points(path: Path, count: int = 105) -> Path:
    """mediapipe_landmark_embedding.npz."""
    rng = np.random.default_rng(0)
    bary = rng.dirichlet([1, 1, 1], count)
    faces = rng.integers(0, 9976, count)
    indices = rng.choice(478, count, replace=False)
    np.savez(path, lmk_face_idx=faces, lmk_b_coords=bary, landmark_indices=indices)
    return path


def eyelid(goldens: Path, side: float) -> np.ndarray:
    """(5023, 3) float64 metres: vertices around one eye move down. side: 1 left, -1 right."""
    template = official_arrays(goldens / "geometry")["v_template"].double().numpy()
    eye = template[3931:4477].mean(0) * [side, 1, 1]
    near = np.linalg.norm(template - eye, axis=1) < 0.03
    out = np.zeros((5023, 3))
    out[near, 1] = -0.004
    return out


def random_state(shapes: Shapes, seed: int) -> dict[str, Tensor]:
    """Small seeded tensors of the shapes; counters are whole numbers."""
    generator = torch.Generator().manual_seed(seed)
    return {
        key: torch.randn(shape, generator=generator) if shape else torch.zeros((), dtype=torch.long)
        for key, shape in shapes.items()
    }


def gnm_arrays(v: int = 60, identity: int = 5, expression: int = 4) -> dict[str, np.ndarray]:
    """The arrays of gnm_head.npz at a small size: a sphere, all bases random."""
    rng = np.random.default_rng(0)
    j, rings = 4, v // 6
    turn = np.arange(v) % 6 * np.pi / 3
    height = (np.arange(v) // 6 + 0.5) / rings * np.pi
    ball = np.stack([np.sin(height) * np.cos(turn), np.cos(height), -np.sin(height) * np.sin(turn)])
    quads = np.array(
        [(r * 6 + k, (r + 1) * 6 + k, (r + 1) * 6 + (k + 1) % 6, r * 6 + (k + 1) % 6)
         for r in range(rings - 1) for k in range(6)], np.int32
    )  # fmt: skip
    quad_uvs = rng.random((v, 2))[quads]
    groups = np.zeros((3, v), np.float32)
    groups[0], groups[1, :10], groups[2, 10:20] = 1, 1, 1
    return {
        "version": np.array("3.0"),
        "variant": np.array("head"),
        "template_vertex_positions": 0.1 * ball.T + rng.normal(0, 1e-3, (v, 3)),
        "template_joint_positions": rng.normal(0, 0.05, (j, 3)),
        "vertex_identity_basis": rng.normal(0, 3e-3, (identity, v, 3)),
        "joint_identity_basis": rng.normal(0, 3e-3, (identity, j, 3)),
        "expression_basis": rng.normal(0, 3e-3, (expression, v, 3)),
        "identity_names": np.array([f"head_{i}" for i in range(identity)]),
        "joint_names": np.array(["neck", "head", "left_eye", "right_eye"]),
        "expression_names": np.array([f"lower_face_region_{i}" for i in range(expression)]),
        "joint_parent_indices": np.array([0, 0, 1, 1], np.int32),
        "skinning_weights": rng.dirichlet([1] * j, v).T,
        "quads": quads,
        "triangles": np.concatenate([quads[:, :3], quads[:, [2, 3, 0]]]),
        "quad_uvs": quad_uvs,
        "triangle_uvs": np.concatenate([quad_uvs[:, :3], quad_uvs[:, [2, 3, 0]]]),
        "mesh_component_names": np.array(["skin"]),
        "mirror_indices": np.arange(v, dtype=np.int32),
        "joint_regressor": rng.random((j, v)),
        "pose_correctives_regressor": rng.normal(0, 1e-3, (9 * j, 3 * v)),
        "vertex_groups": groups,
        "vertex_group_names": np.array(["skin", "mouth_sock", "left_eye"]),
    }


def write_gnm(path: Path, arrays: Mapping[str, np.ndarray]) -> Path:
    """gnm_head.npz: floats in single precision."""
    single = {k: a.astype(np.float32) if a.dtype.kind == "f" else a for k, a in arrays.items()}
    np.savez_compressed(path, **single)
    return path
