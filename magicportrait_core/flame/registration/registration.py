"""Which point of the face mesh is which point of a head model.

Where the head's makers say so (an imported embedding) that is taken. Else a frontal, neutral mesh
is laid over the head's template by the landmarks that both name, bent by a thin-plate spline
(Bookstein 1989, https://doi.org/10.1109/34.24792), and each point goes to the skin behind it. The
face's outline is left out: a turning head wears it elsewhere in every frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scipy.interpolate import RBFInterpolator
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from ... import topology
from ...errors import InputError
from ...topology import FACE_OVAL, NUM_MESH, canonical_face, rigid_weights, to_ibug68
from ...weights.advice import importing, whereabouts
from ...weights.catalog import entry_of
from ..head_model import Embedding, HeadModel
from ..landmarks import points_on_faces

STEEPEST = 0.3  #: least z of a skin normal that a landmark network places well
FEATURES = tuple(
    sorted(
        {
            *(*topology.LIPS_OUTER, *topology.LIPS_INNER, *topology.RIGHT_EYE, *topology.LEFT_EYE),
            *(*topology.RIGHT_BROW, *topology.LEFT_BROW, *topology.NOSE_BRIDGE),
            *topology.NOSE_BASE,
        }
    )
)
_NEIGHBOURS = 24  #: triangles looked at for each point
_LOWER_INNER = topology.LIPS_INNER[6:15]
_LOWER_OUTER = topology.LIPS_OUTER[6:15]
_UPPER = tuple({*topology.LIPS_INNER, *topology.LIPS_OUTER} - {*_LOWER_INNER, *_LOWER_OUTER})


@dataclass(frozen=True)
class Registration:
    """k points of the face mesh on a head."""

    indices: Tensor  #: (k,) int64 of the 478 mesh points
    embedding: Embedding  #: (k,) where they lie on the head
    residual: Tensor  #: (k,) metres between the bent mesh and the skin; zeros for an embedding
    skull: Tensor  #: (k,) 0..1, how far each is trusted not to move on the skull; 0 moves freely

    def thinned(self, count: int) -> Registration:
        """At most ``count`` points: all features, then those of the rest that lie apart."""
        if len(self.indices) <= count:
            return self
        face = canonical_face()[self.indices]
        keep = torch.isin(self.indices, torch.tensor(FEATURES)).nonzero()[:, 0].tolist()[:count]
        far = torch.cdist(face, face[keep]).amin(1) if keep else torch.full((len(face),), 1e9)
        while len(keep) < count:
            keep.append(int(far.argmax()))
            far = torch.minimum(far, (face - face[keep[-1]]).norm(dim=1))
        return self[torch.tensor(sorted(keep))]

    def __getitem__(self, rows: Tensor) -> Registration:
        e = self.embedding
        part = Embedding(e.faces[rows], e.bary[rows])
        return Registration(self.indices[rows], part, self.residual[rows], self.skull[rows])


def register(head: HeadModel) -> Registration:
    """The head's own embedding of mesh points, or one found from its landmarks.

    Raises InputError for a head that has neither.
    """
    if head.mesh_points is not None:
        indices, embedding = head.mesh_points
        return Registration(indices, embedding, torch.zeros(len(indices)), rigid_weights()[indices])
    bent = bent_mesh(head)
    skin = skin_faces(head)
    indices = torch.tensor(sorted(set(range(NUM_MESH)) - set(FACE_OVAL)))
    embedding, normal = _onto_skin(head, skin, bent[indices], _lip_side(head, indices))
    at = points_on_faces(head.template.T[None], head.faces, embedding)[0]
    residual = (at - bent[indices]).norm(dim=1)
    found = Registration(indices, embedding, residual, rigid_weights()[indices])
    return found[(normal[:, 2] > STEEPEST).nonzero()[:, 0]]


def bent_mesh(head: HeadModel) -> Tensor:
    """(478, 3) metres, head axes: the canonical face bent onto the head's landmarks."""
    face = canonical_face() * torch.tensor([1.0, -1.0, -1.0])
    if head.landmarks is None:
        files = importing("landmark_embedding.npy or mediapipe_landmark_embedding.npz")
        way = f"{files} ({whereabouts()} they come from)"
        if head.family == "gnm":  # FLAME's points are none of its own
            way = f"only those of the official mesh are known, {entry_of('gnm_head').right_one}"
        raise InputError(f"{head.name} has no landmarks to lay a face mesh on: {way}.")
    template = head.template.T[None]
    target = points_on_faces(template, head.faces, head.landmarks.full)[0]
    rows = [8, *range(17, 68)]  # the chin and all but the outline
    spline = RBFInterpolator(
        to_ibug68(face)[rows].numpy(), target[rows].numpy(), kernel="thin_plate_spline",
        smoothing=1e-4,
    )  # fmt: skip
    return torch.from_numpy(spline(face.numpy())).float()


def skin_faces(head: HeadModel) -> Tensor:
    """Indices of the faces of the outer skin: the largest connected part of the mesh."""
    if head.skin is not None:
        return head.skin[head.faces].all(1).nonzero()[:, 0]
    f, v = head.faces.numpy(), head.num_vertices
    edges = ([1] * (2 * len(f)), ([*f[:, 0], *f[:, 1]], [*f[:, 1], *f[:, 2]]))
    _, part = connected_components(coo_matrix(edges, shape=(v, v)), directed=False)
    part = torch.from_numpy(part).long()
    return (part[head.faces[:, 0]] == part.bincount().argmax()).nonzero()[:, 0]


def _lip_side(head: HeadModel, indices: Tensor) -> Tensor:
    """(k,) +1 for mesh points of the lower lip, -1 for the upper, 0 for all others."""
    side = torch.zeros(len(indices))
    side[torch.isin(indices, torch.tensor([*_LOWER_INNER, *_LOWER_OUTER]))] = 1
    side[torch.isin(indices, torch.tensor(_UPPER))] = -1
    return side if "jaw" in head.roles else torch.zeros_like(side)


def _onto_skin(
    head: HeadModel, skin: Tensor, points: Tensor, side: Tensor
) -> tuple[Embedding, Tensor]:
    """Each point moved along z, or by the least way in the picture's plane, onto the skin.

    Lips lie on one another: a point of the lower lip (side +1) goes to faces that follow the jaw.
    Returns the embedding and the faces' unit normals there (k, 3).
    """
    corners = head.template.T[head.faces[skin]]  # (f, 3, 3)
    normal = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal = torch.nn.functional.normalize(normal, dim=-1)
    centre = corners.mean(1)
    cost = torch.cdist(points[:, :2], centre[:, :2])
    cost = cost + 1e3 * (normal[:, 2] <= 0) + 1e3 * (centre[:, 2] < points[:, 2].amin() - 0.03)
    if side.any():
        share = head.skinning[head.roles.index("jaw")][head.faces[skin]].mean(1)
        marks = head.landmarks.full
        jaw = head.skinning[head.roles.index("jaw")][head.faces[marks.faces[[62, 66]]]].mean()
        wrong = torch.where(share > jaw, 1.0, -1.0)[None] * side[:, None] < 0
        cost = cost + 1e2 * wrong
    near = cost.topk(_NEIGHBOURS, dim=1, largest=False)
    bary = _barycentric(points[:, None, :2], corners[near.indices][..., :2])
    at = (corners[near.indices] * bary[..., None]).sum(-2)
    away = (at[..., :2] - points[:, None, :2]).norm(dim=-1) + (near.values > 10) * 1.0
    best = (away - 1e-3 * at[..., 2]).argmin(1)  # among equals the one in front
    rows = torch.arange(len(points))
    chosen = near.indices[rows, best]
    return Embedding(skin[chosen], bary[rows, best]), normal[chosen]


def _barycentric(points: Tensor, triangles: Tensor) -> Tensor:
    """Weights of the nearest point of 2-D triangles (..., 3, 2) to points (..., 2), roughly.

    Outside, negative weights are cut off and the rest made to add up to 1.
    """
    a, b, c = triangles.unbind(-2)
    u, v, w = b - a, c - a, points - a
    det = u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]
    det = torch.where(det.abs() < 1e-14, torch.full_like(det, 1e-14), det)
    second = (w[..., 0] * v[..., 1] - w[..., 1] * v[..., 0]) / det
    third = (u[..., 0] * w[..., 1] - u[..., 1] * w[..., 0]) / det
    weights = torch.stack([1 - second - third, second, third], -1).clamp(min=0)
    return weights / weights.sum(-1, keepdim=True)
