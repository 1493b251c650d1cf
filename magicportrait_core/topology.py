"""Which landmark is where: triangles, rings and names of the 478-point face mesh.

LEFT and RIGHT are the *subject's*: RIGHT_EYE is on the left of an unmirrored picture. Rings are
closed (the last point joins the first) and run counter-clockwise as the picture shows them
(y down), from the point named beside them; lines are open.

Source: the connection tables of MediaPipe 0.10.21,
https://github.com/google-ai-edge/mediapipe/blob/v0.10.21/mediapipe/python/solutions/face_mesh_connections.py
(Apache-2.0). TESSELATION comes three edges to a triangle there; MIRROR was computed from it.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files

import torch
from safetensors.torch import load
from torch import Tensor

NUM_MESH = 468  #: points of the mesh; 468.. are the irises
NUM_LANDMARKS = 478

FOREHEAD, CHIN, NOSE_TIP = 10, 152, 1
RIGHT_EYE_OUTER, RIGHT_EYE_INNER, LEFT_EYE_INNER, LEFT_EYE_OUTER = 33, 133, 362, 263
MOUTH_RIGHT, MOUTH_LEFT, LIP_UPPER_INNER, LIP_LOWER_INNER = 61, 291, 13, 14
#: (upper lid, lower lid) in the middle of each eye
RIGHT_LIDS, LEFT_LIDS = (159, 145), (386, 374)

#: 36, from the top of the forehead; the boundary of the mesh
FACE_OVAL = (
    *(10, 109, 67, 103, 54, 21, 162, 127, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148),
    *(152, 377, 400, 378, 379, 365, 397, 288, 361, 323, 454, 356, 389, 251, 284, 332, 297, 338),
)
#: 20, from the middle of the upper lip (its upper edge), by the subject's right corner 61
LIPS_OUTER = (
    *(0, 37, 39, 40, 185, 61, 146, 91, 181, 84),
    *(17, 314, 405, 321, 375, 291, 409, 270, 269, 267),
)
#: 20, from the middle of the upper lip's lower edge; the hole of the open mouth
LIPS_INNER = (
    *(13, 82, 81, 80, 191, 78, 95, 88, 178, 87),
    *(14, 317, 402, 318, 324, 308, 415, 310, 311, 312),
)
#: 16 each, from the corner on the picture's left; the hole of the open eye
RIGHT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
LEFT_EYE = (362, 382, 381, 380, 374, 373, 390, 249, 263, 466, 388, 387, 386, 385, 384, 398)
#: closed outlines, 10 each: upper edge from the temple to the nose, lower edge back
RIGHT_BROW = (70, 63, 105, 66, 107, 55, 65, 52, 53, 46)
LEFT_BROW = (300, 293, 334, 296, 336, 285, 295, 282, 283, 276)
#: centre, then the ring: the picture's right, top, left, bottom
RIGHT_IRIS = (468, 469, 470, 471, 472)
LEFT_IRIS = (473, 474, 475, 476, 477)
#: open line from between the eyes to the base of the nose
NOSE_BRIDGE = (168, 6, 197, 195, 5, 4, 1, 19, 94, 2)
#: open line round nostrils and wings, from the subject's right to the left
NOSE_BASE = (115, 48, 64, 98, 97, 2, 326, 327, 294, 278, 344)

#: Points that speech and expression hardly move, with how far each is trusted.
_RIGID = (
    (1.0, (168, 6, 197, 195, 5, 4, 8, 9, 151, 10)),
    (1.0, (109, 67, 103, 338, 297, 332, 108, 69, 104, 337, 299, 333)),
    (0.8, (122, 351, 193, 417, 245, 465, 188, 412, 196, 419, 174, 399, 198, 420)),
    (0.7, (33, 133, 362, 263, 127, 356, 162, 389, 21, 251, 54, 284, 139, 368, 71, 301, 68, 298)),
    (0.5, (234, 454, 116, 345, 117, 346, 111, 340)),
    (0.4, (2, 98, 327, 64, 294)),
)

#: The mesh points that stand for the 68 points of iBUG 300-W; where two are named, their mean.
#: https://github.com/PeizhiYan/Mediapipe_2_Dlib_Landmarks
IBUG68 = (
    # 0-16 jaw, from the picture's left
    *((127,), (234,), (93,), (132, 58), (58, 172), (136,), (150,), (176,), (152,)),
    *((400,), (379,), (365,), (397, 288), (361,), (323,), (454,), (356,)),
    # 17-26 brows
    *((70,), (63,), (105,), (66,), (107,), (336,), (296,), (334,), (293,), (300,)),
    # 27-35 nose
    *((168, 6), (197, 195), (5,), (4,), (75,), (97,), (2,), (326,), (305,)),
    # 36-47 eyes
    *((33,), (160,), (158,), (133,), (153,), (144,)),
    *((362,), (385,), (387,), (263,), (373,), (380,)),
    # 48-67 lips, outer and inner
    *((61,), (39,), (37,), (0,), (267,), (269,), (291,), (321,), (314,), (17,), (84,), (91,)),
    *((78,), (82,), (13,), (312,), (308,), (317,), (14,), (87,)),
)

_TABLES = json.loads((files(__package__) / "topology.json").read_text("utf-8"))

#: (852, 3) int64 into the 468 mesh points. Counter-clockwise as the picture shows a frontal
#: face; eyes and mouth are holes; every inner edge is used once in each direction.
TRIANGLES: Tensor = torch.tensor(_TABLES["triangles"])

#: (478,) int64: ``landmarks[MIRROR]`` names the points of a left-right flipped face as they are
#: named on an unflipped one. Its own inverse.
MIRROR: Tensor = torch.tensor(_TABLES["mirror"])


def to_ibug68(landmarks: Tensor) -> Tensor:
    """The iBUG-68 equivalents of mesh points: (..., 478, d) -> (..., 68, d)."""
    first = torch.tensor([pair[0] for pair in IBUG68])
    last = torch.tensor([pair[-1] for pair in IBUG68])
    return (landmarks[..., first, :] + landmarks[..., last, :]) / 2


@lru_cache(maxsize=1)
def canonical_face() -> Tensor:
    """(478, 3) a frontal, symmetric, neutral face: the mean of mesh outputs over several people.

    x to the picture's right, y down, z away from the camera; the origin lies between the outer eye
    corners and their distance is the unit.
    """
    data = (files(__package__) / "canonical_face.safetensors").read_bytes()
    return load(data)["points"]


@lru_cache(maxsize=1)
def rigid_weights() -> Tensor:
    """(478,) trust in each landmark as part of the skull, 0 for moving parts."""
    weights = torch.zeros(NUM_LANDMARKS)
    for value, points in _RIGID:
        weights[list(points)] = value
    return weights
