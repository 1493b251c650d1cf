"""Which head model and which tracker a run takes from the models folder, and why."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..checks import check_choice
from ..errors import InputError
from ..flame.head_model import HeadModel
from ..flame.importers.convert import import_folder
from ..flame.library.library import (
    AUTO,
    check_readable,
    head_metadata,
    heads,
    open_head,
    open_regressor,
    open_texture,
    part_file,
)
from ..flame.library.regressor_files import NETWORKS, regressor_file
from ..flame.registration.registration_file import kept_registration
from ..flame.texture import albedo
from ..flame.trackers import TRACKERS, DecaSmirk, LandmarkFit, Tracker
from ..flame.trackers.deca_smirk import BASIS, knows
from ..light import SKIN
from ..types import HeadTrack, Progress, no_progress
from ..weights.advice import command, importing, whereabouts
from ..weights.catalog import entry_of
from ..weights.folders import Folders, find_file, folder_list, folder_names, models_folder
from .paper_files import check_paper_head, lacking_files

#: What `choose_tracker` takes; "landmarks", which needs no head model, is `pipeline.track`'s.
TRACKER_CHOICES = (AUTO, *TRACKERS)
_LANDMARK_PARTS = ("landmarks", "mesh_points")  #: parts of which landmark_fit needs one on FLAME


@dataclass(frozen=True)
class TrackerChoice:
    """A tracker that can run here."""

    name: str
    why: str  #: one line, without a full stop


@dataclass(frozen=True)
class TrackerState:
    """Whether a tracker could run here."""

    name: str
    ready: bool
    why: str  #: on which head models, or what is missing; one line, without a full stop


def flame_folder(models: str | os.PathLike | None, progress: Progress = no_progress) -> Path:
    """The folder of head models inside the models folder; what lies there raw is converted."""
    folder = models_folder(models) / "flame"
    if folder.is_dir():
        import_folder(folder, progress)
    return folder


def head_of(
    track: HeadTrack, folder: Folders, name: str = AUTO, what: str = "the track"
) -> HeadModel:
    """The head model that a track was made with.

    Args:
        folder: models/flame.
        name: of the head model; auto looks through the folder for the track's.
        what: names the track in errors.

    Raises:
        InputError: no head model at all, not the track's, or another by that name.
    """
    if name != AUTO:
        head = open_head(folder, name)
        head.check(track.params, f"{what}'s parameters")
        return head
    found = heads(folder) or [AUTO]  # where there is none, open_head says what to get
    for candidate in found:
        head = open_head(folder, candidate)
        if head.basis == track.params.basis:
            return head
    check_readable(folder)
    raise InputError(
        f"{what} was made with head model {track.params.basis}, which is none of those in "
        f"{folder_names(folder)} ({', '.join(found)}): "
        f"{importing('its file', folder_list(folder)[0])}, or track again."
    )


def choose_tracker(
    tracker: str, head: HeadModel, folder: Folders, neutral_frame: int | None = None
) -> TrackerChoice:
    """The tracker for what the user asked: one of TRACKER_CHOICES.

    auto takes deca_smirk, the paper's, where its networks are in ``folder`` and the head is
    theirs, else landmark_fit, which fits any head model. Raises InputError for another name, and
    where deca_smirk is asked for on a head that is not its own or with a neutral frame, which it
    does not take.
    """
    check_choice("tracker", tracker, TRACKER_CHOICES)
    if tracker == DecaSmirk.name:
        check_paper_head(head, folder)
    if tracker == DecaSmirk.name and neutral_frame is not None:
        raise InputError(
            f"{DecaSmirk.name} takes no neutral frame: name one when the motion is carried over "
            f"({command('maps --neutral-frame')}), or use the tracker {LandmarkFit.name}."
        )
    if tracker != AUTO:
        return TrackerChoice(tracker, "asked for")
    if neutral_frame is not None:
        return TrackerChoice(LandmarkFit.name, "the one that takes a neutral frame")
    if not knows(head):
        why = f"DECA's and SMIRK's codes belong to FLAME 2020 generic, not to {head.name}"
        return TrackerChoice(LandmarkFit.name, why)
    lacking = _lacking_networks(folder)
    if lacking:
        return TrackerChoice(LandmarkFit.name, lacking)
    return TrackerChoice(DecaSmirk.name, "its networks and its head model are here")


def make_tracker(
    choice: TrackerChoice,
    head: HeadModel,
    folder: Folders,
    *,
    smoothing: float = 0.5,
    neutral_frame: int | None = None,
    device: torch.device | str = "cpu",
) -> Tracker:
    """Make a chosen tracker ready. Raises InputError where a file of its own is missing."""
    if choice.name == DecaSmirk.name:
        missing, folders = _missing_networks(folder), folder_list(folder)
        raw = [entry_of(n).found_in(place) for n in missing for place in folders]
        if len(missing) > 1 and not any(raw):
            raise InputError(f"{DecaSmirk.name} {lacking_files(head, folder)}")
        states = (open_regressor(folder, network) for network in NETWORKS)
        return DecaSmirk(head, *states, device, smoothing=smoothing)
    registration = kept_registration(head, folder)
    return LandmarkFit(
        head, registration=registration, smoothing=smoothing, neutral_frame=neutral_frame
    )


def skin_of(track: HeadTrack, head: HeadModel, folder: Folders) -> Tensor:
    """(3, h_t, w_t) RGB: FLAME's texture space as the track has it; one colour without it."""
    textured = head.family == "flame" and head.uvs is not None
    if textured and find_file(folder, part_file("texture")) is not None:
        return albedo(open_texture(folder), track.texture)
    return SKIN


def tracker_states(folder: Folders) -> tuple[TrackerState, ...]:
    """Which head trackers could run with what lies converted in models/flame. Loads nothing."""
    found = head_metadata(folder)
    nothing = f"no head model is here, {whereabouts()} they come from"
    marked = any(find_file(folder, part_file(part)) is not None for part in _LANDMARK_PARTS)
    lacking = _lacking_networks(folder)
    theirs = [n for n, made in found.items() if BASIS in (n, made.get("codes"))]
    able = [n for n, made in found.items() if marked or made.get("family") != "flame"]
    rows = (
        (DecaSmirk.name, [] if lacking else theirs, lacking or "FLAME 2020 generic is not here"),
        (LandmarkFit.name, able, "neither of FLAME's landmark embeddings is here"),
    )
    return tuple(
        TrackerState(name, bool(on), f"on {', '.join(on)}" if on else lacks if found else nothing)
        for name, on, lacks in rows
    )


def _missing_networks(folder: Folders) -> list[str]:
    return [n for n in NETWORKS if find_file(folder, regressor_file(n)) is None]


def _lacking_networks(folder: Folders) -> str:
    """What deca_smirk lacks, "" where nothing."""
    names = [n.upper() for n in _missing_networks(folder)]
    return f"no network of {' or '.join(names)} is in {folder_names(folder)}" if names else ""
