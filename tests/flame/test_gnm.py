"""GNM behind the contract, against a plain evaluation of its published formula."""

import hashlib
import json
from dataclasses import fields, replace
from importlib.resources import files

import numpy as np
import pytest
import torch
from torch import Tensor

from magicportrait_core.errors import InputError
from magicportrait_core.flame import gnm
from magicportrait_core.flame.head_model import HeadModel
from magicportrait_core.flame.importers.convert import import_file
from magicportrait_core.flame.landmarks import ibug68, points_on_faces
from magicportrait_core.flame.library.library import heads, open_head
from magicportrait_core.types import HeadParams
from tests.official_files import gnm_arrays, write_gnm


def rotation(axis_angle: np.ndarray) -> np.ndarray:
    angle = np.linalg.norm(axis_angle)
    if not angle:
        return np.eye(3)
    x, y, z = axis_angle / angle
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k


def published(arrays, identity, expression, rotations) -> np.ndarray:
    """(v, 3) of one frame, float64, joint by joint; rotations (j, 3) in the file's order."""
    turns = np.stack([rotation(r) for r in rotations])
    v = arrays["template_vertex_positions"].copy()
    v += np.einsum("i,ivk->vk", identity, arrays["vertex_identity_basis"])
    v += np.einsum("e,evk->vk", expression, arrays["expression_basis"])
    features = (turns - np.eye(3)).reshape(-1)
    v += (features @ arrays["pose_correctives_regressor"]).reshape(-1, 3)
    joints = arrays["template_joint_positions"] + np.einsum(
        "i,ijk->jk", identity, arrays["joint_identity_basis"]
    )
    world = []
    for j, parent in enumerate(arrays["joint_parent_indices"]):
        local = np.eye(4)
        local[:3, :3] = turns[j]
        local[:3, 3] = joints[j] - (joints[parent] if j else 0)
        world.append(world[parent] @ local if j else local)
    out = np.zeros_like(v)
    for j, matrix in enumerate(world):
        moved = (v - joints[j]) @ matrix[:3, :3].T + matrix[:3, 3]
        out += arrays["skinning_weights"][j][:, None] * moved
    return out


def double(head: HeadModel) -> HeadModel:
    tensors = {f.name: getattr(head, f.name) for f in fields(head)}
    floats = {
        n: t.double() for n, t in tensors.items() if isinstance(t, Tensor) and t.is_floating_point()
    }
    return replace(head, **floats)


def posed(head: HeadModel, seed: int = 0, t: int = 3) -> HeadParams:
    g = torch.Generator().manual_seed(seed)
    n_s, n_e = len(head.shape_basis), len(head.expression_basis)

    def random(*shape):
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    turns = [0.5 * random(t, 3) for _ in range(3)]
    return HeadParams(random(n_s), random(t, n_e), *turns, 0.3 * random(t, 6), None, head.basis)


def test_vertices_are_the_published_formula():
    arrays = gnm_arrays()
    single = {k: a.astype(np.float32).astype(np.float64) if a.dtype.kind == "f" else a
              for k, a in arrays.items()}  # fmt: skip
    head = double(gnm.gnm_from_arrays(single))
    params = posed(head)
    vertices = head.vertices(params)
    assert vertices.shape == (3, 60, 3)
    for frame in range(3):
        one = params[[frame]]
        eyes = one.eye_pose.reshape(2, 3)
        # the file's joints: neck, head, eyes. The jaw pose turns none of them.
        turns = torch.stack([one.global_pose[0], one.neck_pose[0], *eyes]).numpy()
        wanted = published(single, params.shape.numpy(), one.expression[0].numpy(), turns)
        np.testing.assert_allclose(vertices[frame].numpy(), wanted, atol=1e-12)


def test_the_jaw_pose_is_not_used():
    head = gnm.gnm_from_arrays(gnm_arrays())
    params = HeadParams.neutral(1, 5, 4, head.basis)
    opened = replace(params, jaw_pose=torch.tensor([[0.4, 0, 0]]))
    assert "jaw" not in head.roles
    assert torch.equal(head.vertices(opened), head.vertices(params))


def test_joints_in_another_order_and_correctives_that_are_none():
    arrays = gnm_arrays()
    order = [0, 3, 1, 2]  # neck, right eye, head, left eye
    arrays["joint_names"] = arrays["joint_names"][order]
    arrays["joint_parent_indices"] = np.array([0, 0, 0, 2], np.int32)
    arrays["pose_correctives_regressor"][9:18] = 0
    head = gnm.gnm_from_arrays(arrays)
    assert head.roles == ("root", "right_eye", "neck", "left_eye")
    assert head.parents == (-1, 0, 0, 2)
    assert head.corrective_joints == (0, 2, 3)
    assert head.pose_basis.shape == (27, 3, 60)


def test_faces_run_counter_clockwise_from_outside():
    arrays = gnm_arrays()
    head = gnm.gnm_from_arrays(arrays)
    inside_out = gnm.gnm_from_arrays(arrays | {
        "triangles": arrays["triangles"][:, ::-1], "triangle_uvs": arrays["triangle_uvs"][:, ::-1],
    })  # fmt: skip
    assert torch.equal(head.faces, torch.from_numpy(arrays["triangles"]).long())
    assert torch.equal(inside_out.faces, head.faces)
    assert torch.equal(inside_out.uv_faces, head.uv_faces)


def test_texture_coordinates_of_corners():
    arrays = gnm_arrays()
    head = gnm.gnm_from_arrays(arrays)
    assert len(head.uvs) == 60
    corners = head.uvs[head.uv_faces].numpy()
    np.testing.assert_array_equal(corners, arrays["triangle_uvs"].astype(np.float32))


def test_skin_is_the_outside():
    head = gnm.gnm_from_arrays(gnm_arrays())
    assert head.skin.dtype == torch.bool
    assert head.skin.tolist() == [False] * 10 + [True] * 50


def test_import_open_and_pose(tmp_path):
    arrays = gnm_arrays()
    path = write_gnm(tmp_path / "renamed.npz", arrays)
    folder = tmp_path / "flame"
    folder.mkdir()
    report = import_file(path, folder)
    assert (report.kind, report.output) == ("gnm_head", folder / "gnm_head.safetensors")
    assert report.licence == "Apache-2.0"
    assert report.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert "not the release that is known here" in report.notes[0]
    assert heads(folder) == ["gnm_head"]
    head = open_head(folder)
    made = gnm.gnm_from_arrays(arrays)
    assert (head.family, head.basis) == ("gnm", made.basis)
    assert head.source["source_file"] == "renamed.npz"
    assert torch.equal(head.skin, made.skin)
    params = posed(made)
    single = replace(params, **{
        f.name: getattr(params, f.name).float()
        for f in fields(params) if isinstance(getattr(params, f.name), Tensor)
    })  # fmt: skip
    assert torch.equal(head.vertices(single), made.vertices(single))
    assert head.landmarks is None  # of another mesh than the official


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"skinning_weights": np.ones((4, 59))}, r"skinning_weights must be \(j, v\)"),
        ({"pose_correctives_regressor": np.ones((36, 60))}, "pose_correctives_regressor must be"),
        ({"joint_names": np.array(["a", "b", "c", "d"])}, "joint_names must be neck"),
        ({"joint_parent_indices": np.array([0, 2, 1, 1])}, "follow their parents"),
        ({"triangles": np.full((108, 3), 60, np.int32)}, "beyond the 60"),
        ({"vertex_group_names": np.array(["a", "b", "c"])}, "must have skin"),
        ({"joint_parent_indices": np.array([3, 0, 1, 1])}, "follow their parents"),
        ({"triangles": np.zeros((0, 3), np.int32)}, r"triangles is empty, \(0, 3\)"),
        ({"expression_basis": np.full((4, 60, 3), np.nan)}, "no finite numbers in the expression"),
        ({"template_joint_positions": np.full((4, 3), np.inf)}, "no finite numbers in the joints"),
        ({"skinning_weights": np.zeros((4, 60))}, "at 60 of 60 vertices: .* of vertex 0 are 0 tog"),
        ({"template_joint_positions": np.full((4, 3), "x")}, "no GNM Head v3"),
    ],
)
def test_another_layout_is_named(tmp_path, change, words):
    path = write_gnm(tmp_path / "gnm_head.npz", gnm_arrays() | change)
    right = r"take gnm_head\.npz from https://huggingface\.co/google/gnm-v3"
    with pytest.raises(InputError, match=rf"^gnm_head\.npz .*{words}.*{right}"):
        import_file(path, tmp_path)


def test_a_missing_array_is_named(tmp_path):
    arrays = gnm_arrays()
    del arrays["triangle_uvs"]
    path = write_gnm(tmp_path / "gnm_head.npz", arrays)
    with pytest.raises(InputError, match="triangle_uvs is missing"):
        import_file(path, tmp_path)


def official_size(triangles: list) -> HeadModel:
    """A head with the official number of vertices, in a cloud, and some faces."""
    head = gnm.gnm_from_arrays(gnm_arrays())
    g = torch.Generator().manual_seed(0)
    faces = torch.tensor(triangles)
    return replace(
        head, template=torch.rand(3, gnm.NUM_VERTICES, generator=g), faces=faces, skin=None
    )


def test_landmarks_of_the_official_mesh():
    stored = json.loads(
        files("magicportrait_core.flame").joinpath("gnm_landmarks.json").read_text()
    )
    rows = stored["landmarks"]
    text = "".join(
        " ".join(f"{a} {w:.3f}" for a, w in zip(row[::2], row[1::2], strict=True)) + "\n"
        for row in rows
    )
    assert hashlib.sha256(text.encode()).hexdigest() == stored["sha256"]
    corners = [[int(n) for n in row[::2]] for row in rows]
    head = official_size([three[::-1] for three in corners])  # each is a face, from another corner
    found = gnm.gnm_landmarks(head)
    points = points_on_faces(head.template.T[None], head.faces, found.full)[0]
    for point, three, row in zip(points, corners, rows, strict=True):
        weights = torch.tensor(row[1::2]) / sum(row[1::2])
        wanted = (head.template.T[three] * weights[:, None]).sum(0)
        torch.testing.assert_close(point, wanted)
    still = torch.eye(3)[None]
    all68 = ibug68(head.template.T[None], head.faces, found, still, still)[0]
    assert torch.equal(all68, points)


def test_a_landmark_across_a_quad_that_is_split_the_other_way():
    square = torch.tensor([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    faces = torch.tensor([[0, 1, 3], [1, 2, 3]])
    corners, weights = torch.tensor([[0, 1, 2]]), torch.tensor([[0.2, 0.7, 0.1]])
    found = gnm.on_faces(square, faces, corners, weights)
    point = points_on_faces(square[None], faces, found)[0, 0]
    torch.testing.assert_close(point, torch.tensor([0.8, 0.1, 0.0]))
    with pytest.raises(InputError, match="vertex 1 belongs to no face"):
        gnm.on_faces(square, faces[:0], corners, weights)
