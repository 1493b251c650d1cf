"""A portrait and a driver on the small head, and what tests ask of a transfer between them."""

import torch

from magicportrait_core.flame.lbs import rotation_matrix
from magicportrait_core.flame.rotations import axis_angle
from magicportrait_core.flame.transfer import transfer
from magicportrait_core.types import MotionTrack, TransferSettings

STILL = dict.fromkeys(("expression", "jaw", "eyelids", "yaw", "pitch", "roll"), 0.0)
ALL = {"gaze": 1.0, "neck": 1.0}
NAMES = ("expression", "global_pose", "jaw_pose", "neck_pose", "eye_pose", "eyelids")


def run(portrait, driver, small_head, frames=None, **settings):
    return transfer(MotionTrack(portrait, driver, TransferSettings(**settings)), small_head, frames)


def angle_between(a, b):
    """Degrees (t,) between axis-angle rotations."""
    between = axis_angle(rotation_matrix(a).mT @ rotation_matrix(b))
    return torch.rad2deg(between.norm(dim=-1))
