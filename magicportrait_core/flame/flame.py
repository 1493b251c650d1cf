"""FLAME: its official arrays as a HeadModel.

Li et al. 2017, https://doi.org/10.1145/3130800.3130813; files from https://flame.is.tue.mpg.de.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ..checks import check_shape
from ..errors import InputError
from .head_model import HeadModel

NUM_SHAPE, NUM_EXPRESSION = 300, 100  #: columns of shapedirs, identity first
NUM_JOINTS = 5
ROLES = ("root", "neck", "jaw", "left_eye", "right_eye")
PARENTS = (-1, 0, 1, 1, 1)
KEYS = ("v_template", "f", "shapedirs", "posedirs", "weights", "J_regressor", "kintree_table")
_NO_PARENT = (-1, 2**32 - 1)  #: how a table says that a joint is the root, signed and unsigned
#: names of the known files; only 2020 generic is the basis of DECA's and SMIRK's codes
NAMES = ("flame2020_generic", "flame2020_male", "flame2020_female", "flame2023", "flame2023_open")


def flame_from_arrays(arrays: Mapping[str, Tensor], name: str) -> HeadModel:
    """A HeadModel from the arrays of an official pickle.

    Args:
        arrays: v_template (v, 3), f (f, 3), shapedirs (v, 3, 400), posedirs (v, 3, 36), weights
            (v, 5), J_regressor (5, v) dense, kintree_table (2, 5).
        name: which of NAMES it is, or a name of the user's.

    Raises:
        InputError: an array that is missing or has another shape, or joints of another tree.
    """
    missing = [key for key in KEYS if key not in arrays]
    if missing:
        raise InputError(f"a FLAME model has {', '.join(KEYS)}; {', '.join(missing)} is missing")
    v = check_shape("v_template", arrays["v_template"], "v", 3)["v"]
    check_shape("shapedirs", arrays["shapedirs"], v, 3, NUM_SHAPE + NUM_EXPRESSION)
    check_shape("posedirs", arrays["posedirs"], v, 3, 9 * (NUM_JOINTS - 1))
    check_shape("weights", arrays["weights"], v, NUM_JOINTS)
    check_shape("J_regressor", arrays["J_regressor"], NUM_JOINTS, v)
    check_shape("f", arrays["f"], "f", 3)
    if (arrays["f"] != arrays["f"].round()).any():
        raise InputError("f must be whole numbers")
    _check_tree(arrays["kintree_table"])

    exact = {key: arrays[key].double() for key in KEYS if key not in ("f", "kintree_table")}
    regressor, template = exact["J_regressor"], exact["v_template"].T
    basis = exact["shapedirs"].permute(2, 1, 0)  # (400, 3, v)
    joint_basis = torch.einsum("jv,nav->nja", regressor, basis)
    shape, expression = slice(0, NUM_SHAPE), slice(NUM_SHAPE, None)

    def single(tensor: Tensor) -> Tensor:
        return tensor.float().contiguous()

    return HeadModel(
        name=name,
        family="flame",
        template=single(template),
        shape_basis=single(basis[shape]),
        expression_basis=single(basis[expression]),
        pose_basis=single(exact["posedirs"].permute(2, 1, 0)),
        corrective_joints=tuple(range(1, NUM_JOINTS)),
        joints=single(regressor @ template.T),
        joint_shape_basis=single(joint_basis[shape]),
        joint_expression_basis=single(joint_basis[expression]),
        skinning=single(exact["weights"].T),
        parents=PARENTS,
        roles=ROLES,
        faces=arrays["f"].long(),
    )


def _check_tree(table: Tensor) -> None:
    """kintree_table: the joint that each one hangs on, above the joints' own numbers."""
    check_shape("kintree_table", table, 2, NUM_JOINTS)
    parents, joints = ([int(n) for n in row] for row in torch.nan_to_num(table).tolist())
    if tuple(parents[1:]) != PARENTS[1:]:
        got = tuple(parents[1:])
        raise InputError(f"FLAME's joints hang on {PARENTS[1:]}, this file says {got}")
    if parents[0] not in _NO_PARENT or joints != list(range(NUM_JOINTS)):
        raise InputError(
            f"kintree_table is no tree: its first joint must hang on none, which is "
            f"{_NO_PARENT[-1]}, and its joints must be 0..{NUM_JOINTS - 1}, got {parents[0]} and "
            f"{joints}"
        )
