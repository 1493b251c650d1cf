"""A portrait's face mesh as a driver moves it: landmarks alone, no picture and no head model."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..checks import check_range
from ..types import FaceTrack, LandmarkMotion, TransferSettings
from .canonical import head_frame
from .head import PortraitHead
from .motion import MotionSettings
from .performance import read_performance
from .retarget import retarget
from .rotation import turn_from

_PITCH_SHARE, _ROLL_SHARE = 0.66, 0.9  #: of what the mesh nods and tilts, as in `retarget`


def moved_landmarks(motion: LandmarkMotion) -> FaceTrack:
    """The portrait's landmarks, in its own picture, t frames of the driver's rate.

    Gains of expression, jaw (all of the mouth), eyelids (and gaze), yaw, pitch and roll act, 0..2
    each; the portrait stays where it is, whatever the gain of translation. Valid is the driver's.
    """
    settings = motion.settings
    head = _full_relief(motion.portrait)
    face = retarget(head, motion.driver, _face_settings(settings))
    turned = replace(face, rotation=_turn(head, motion.driver, settings))
    landmarks = head.turn(head.deform(turned), turned.rotation)
    own = motion.portrait
    flat = landmarks[..., :2]
    return FaceTrack(
        torch.cat([flat.amin(1), flat.amax(1)], 1),
        landmarks,
        motion.driver.scores,
        motion.driver.valid,
        own.frame_size,
        motion.driver.fps,
    )


def _full_relief(track: FaceTrack) -> PortraitHead:
    """The head as the mesh has it: what limits the relief of a warped picture is left out."""
    made = PortraitHead.from_track(track)
    pose, shape = head_frame(track.landmarks)
    return PortraitHead(pose, shape[0], made.pivot, track.landmarks[0], 1.0)


def _face_settings(settings: TransferSettings) -> MotionSettings:
    """Gains of jaw and eyelids stand alone; the preview's come on top of the expression's."""

    def on_top(name: str) -> float:
        gain = getattr(settings, name)
        check_range(f"gain {name}", gain, 0, 2)
        return min(gain / settings.expression, 2.0) if settings.expression > 0 else gain

    return MotionSettings(
        expression=settings.expression,
        mouth=on_top("jaw"),
        eyes=on_top("eyelids"),
        mode=settings.mode,
        neutral_frame=settings.neutral_frame,
    )


def _turn(head: PortraitHead, driver: FaceTrack, settings: TransferSettings) -> Tensor:
    acted = read_performance(driver, settings.neutral_frame)
    own = head.pose.rotation[0]
    start = own if settings.mode == "absolute" else acted.rotation[acted.neutral]
    gains = (settings.yaw, settings.pitch * _PITCH_SHARE, settings.roll * _ROLL_SHARE)
    return turn_from(start, acted.rotation, own, gains).to(torch.float32)
