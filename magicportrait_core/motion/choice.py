"""Which tracker turns a driver and a portrait into motion, and what to say where none can."""

from __future__ import annotations

from pathlib import Path

from ..checks import check_choice
from ..errors import InputError
from ..flame.head_model import HeadModel
from ..flame.library.library import AUTO
from ..flame.trackers import TRACKERS, DecaSmirk
from ..model_files.head_models import TrackerChoice, choose_tracker
from ..model_files.paper_files import check_paper_head
from ..weights.advice import downloading
from ..weights.catalog import entry_of
from ..weights.folders import Folders, folder_list, models_folder

LANDMARKS_ONLY = "landmarks_only"
#: What `motion.pipeline.track_motion` takes.
MOTION_TRACKERS = (AUTO, *TRACKERS, LANDMARKS_ONLY)


def choose_motion_tracker(
    tracker: str, head: HeadModel | None, folder: Folders | None
) -> TrackerChoice:
    """The tracker for what the user asked: one of MOTION_TRACKERS.

    auto takes `head_models.choose_tracker`'s where there is a head model, else landmarks_only.

    Args:
        head: None: there is none.
        folder: models/flame, where the head's parts and the networks lie, or several such.

    Raises:
        InputError: a tracker that is asked for and cannot run here: what it lacks, what to get,
            and what works without.
    """
    check_choice("tracker", tracker, MOTION_TRACKERS)
    if tracker == LANDMARKS_ONLY:
        return TrackerChoice(LANDMARKS_ONLY, "asked for")
    if head is None and tracker == AUTO:
        return TrackerChoice(LANDMARKS_ONLY, "no head model is here")
    if tracker == DecaSmirk.name:
        check_paper_head(head, folder)
    if head is None or folder is None:
        raise InputError(
            f"{tracker} needs a head model, and there is none. "
            f"{ways_to_a_head(None if folder is None else folder_list(folder)[0])} "
            f"{LANDMARKS_ONLY} needs none."
        )
    return choose_tracker(tracker, head, folder)


def ways_to_a_head(folder: Path | None) -> str:
    """How to come by a head model; short, for it stands on nodes."""
    where = Path("models/flame") if folder is None else folder
    flame, gnm = entry_of("flame2020"), entry_of("gnm_head")
    way = downloading(gnm.key, gnm.kind, models_folder() / gnm.kind if folder is None else folder)
    way = "" if way is None else f"{way}, or "
    return (
        f"GNM needs no registration: {way}put {gnm.name} ({gnm.licence}, {gnm.address}) into "
        f"{where}. FLAME 2020, the paper's: register at {flame.site}."
    )
