"""What the paper's tracker needs, which of it is not here, and how to come by it."""

from __future__ import annotations

from ..errors import InputError
from ..flame.head_model import HeadModel
from ..flame.trackers import DecaSmirk, LandmarkFit
from ..flame.trackers.deca_smirk import check_head, knows
from ..weights.advice import importing_all
from ..weights.catalog import Entry, entry_of
from ..weights.folders import Folders, folder_list

#: keys of the catalogue: the head model, its landmarks, the two networks
_HEAD, _LANDMARKS, _NETWORKS = "flame2020", "flame_landmarks", ("deca", "smirk")


def check_paper_head(head: HeadModel | None, folder: Folders | None) -> None:
    """Raise InputError where deca_smirk cannot run on this head: all that it lacks, and from where.

    Args:
        head: None: there is none.
        folder: models/flame, or several such; None: there is none.
    """
    if head is not None and knows(head):
        return
    if _entry_lacks(_HEAD, folder):
        other = "" if head is None else f", not {head.name},"
        raise InputError(
            f"{DecaSmirk.name} tracks FLAME 2020 generic{other} and {lacking_files(head, folder)}"
        )
    if head is None:
        raise InputError(
            f"{DecaSmirk.name} tracks FLAME 2020 generic, and {entry_of(_HEAD).name}, which is "
            "here, could not be read: download it again."
        )
    check_head(head)


def lacking_files(head: HeadModel | None, folder: Folders | None) -> str:
    """ "lacks ..." and what to do, a sentence's end: the files of deca_smirk that are not here."""
    theirs = head is not None and knows(head)
    wanted = [] if theirs else [_HEAD]
    wanted += [] if theirs and head.landmarks is not None else [_LANDMARKS]
    entries = [entry_of(key) for key in (*wanted, *_NETWORKS) if _entry_lacks(key, folder)]
    return (
        f"lacks {_told(entries)}: {importing_all(_first(folder))}. "
        f"{LandmarkFit.name} takes any head model."
    )


def _told(entries: list[Entry]) -> str:
    """The files, and where each site's are found."""
    sites: dict[str, list[Entry]] = {}
    for entry in entries:
        sites.setdefault(entry.site, []).append(entry)
    return ", ".join(
        f"{' and '.join(e.name for e in found)} ({'register at ' * found[0].registration}{site})"
        for site, found in sites.items()
    )


def _entry_lacks(key: str, folder: Folders | None) -> bool:
    folders = () if folder is None else folder_list(folder)
    return not any(entry_of(key).found_in(place) for place in folders)


def _first(folder: Folders | None):
    return None if folder is None else folder_list(folder)[0]
