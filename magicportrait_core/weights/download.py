"""Downloads from the Hugging Face hub, of what may be had without registration."""

from __future__ import annotations

import inspect
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..files import replace_file
from ..types import Progress, no_progress
from .advice import running_again
from .catalog import Entry, Remote, entry_of
from .records import Record, read_records, sha256_of, today, write_record

WORK = ".download"  #: below the kind's folder, on the same disk: what is on its way


@dataclass(frozen=True)
class Fetched:
    """A file as it came."""

    path: Path
    commit: str  #: of the repository it came from
    sha256: str | None  #: as the hub publishes it; None for small files


def download(
    key: str,
    folder: Path,
    progress: Progress = no_progress,
    check: Callable[[Path], None] | None = None,
) -> Path:
    """Bring a file of the catalogue into ``folder``, that of its kind, and check it.

    A file that is there is checked and not brought again; half a file is continued.

    Args:
        check: called with the file as it came; its InputError keeps the file out.

    Raises:
        InputError: it needs a registration or has no address to load from (the sentence says
            what to do), the hub cannot be reached, or the file is not what it should be.
    """
    entry = entry_of(key)
    folder = Path(folder)
    if entry.remote is None:
        raise InputError(entry.how_to_get(folder))
    target, record = folder / entry.files[0], read_records(folder).get(entry.files[0])
    if target.is_file():
        _check(target, entry, record and record.sha256, progress)
        return target
    revision = entry.remote.revision or (record and record.revision)
    work = folder / WORK / entry.key
    work.mkdir(parents=True, exist_ok=True)
    fetched = fetch(entry.remote, revision, work, progress)
    try:
        expected = (record and record.sha256) or entry.sha256 or fetched.sha256
        sha256 = _check(fetched.path, entry, expected, progress)
        if check is not None:
            check(fetched.path)
    except InputError:
        shutil.rmtree(work, ignore_errors=True)
        raise
    target.parent.mkdir(parents=True, exist_ok=True)
    replace_file(fetched.path, target)
    shutil.rmtree(work, ignore_errors=True)
    verified = expected is not None
    made = Record(sha256, fetched.commit, entry.address, entry.licence, today(), verified)
    write_record(folder, entry.files[0], made)
    return target


def _check(path: Path, entry: Entry, expected: str | None, progress: Progress) -> str:
    expected = expected or entry.sha256
    found = sha256_of(path, progress)
    if expected is not None and found != expected:
        raise InputError(
            f"{path.name} has sha256 {found}, {expected} is expected: delete it and download "
            f"again, or take it from {entry.address}."
        )
    return found


def fetch(remote: Remote, revision: str | None, work: Path, progress: Progress) -> Fetched:
    """The one function that goes to the network: a file into ``work``, at one commit.

    What ``progress`` raises, to cancel, comes through as it is.
    """
    try:
        from huggingface_hub import HfApi, hf_hub_download
    except ImportError as error:
        raise InputError(
            "Downloads need the package huggingface_hub: pip install huggingface_hub, or take "
            f"{remote.path} from https://huggingface.co/{remote.repo} by hand."
        ) from error
    watched = _Watched(progress)
    try:
        info = HfApi().model_info(remote.repo, revision=revision or "main", files_metadata=True)
        facts = _file_of(info.siblings or (), remote)
        size = facts.size or 0
        watched("download", 0, size)
        bar = _bar(watched, size, hf_hub_download)
        path = hf_hub_download(
            remote.repo, facts.rfilename, revision=info.sha, local_dir=work, **bar
        )
        watched("download", size, size)
    except InputError:
        raise
    except Exception as error:  # of the hub's, of its transport, of the disk
        if cancelled := watched.raised:
            raise cancelled from None
        reason = " ".join(str(error).split())[:200] or "no reason given"
        raise InputError(
            f"{remote.path} could not be downloaded from https://huggingface.co/{remote.repo} "
            f"({reason}): {running_again()}, it goes on where it stopped."
        ) from error
    return Fetched(Path(path), info.sha, facts.lfs.sha256 if facts.lfs else None)


class _Watched:
    """A progress that remembers how it cancelled, whatever the hub makes of it."""

    def __init__(self, progress: Progress) -> None:
        self.progress, self.raised = progress, None

    def __call__(self, stage: str, done: int, total: int) -> None:
        try:
            self.progress(stage, done, total)
        except Exception as error:
            self.raised = error
            raise


def _file_of(files, remote: Remote):
    """The file at the path, else the only one of that name elsewhere in the repository."""
    name = remote.path.rsplit("/", 1)[-1]
    named = [file for file in files if file.rfilename.rsplit("/", 1)[-1] == name]
    exact = [file for file in named if file.rfilename == remote.path]
    if len(exact or named) != 1:
        raise InputError(
            f"https://huggingface.co/{remote.repo} has no {remote.path}: look there for where it "
            "is now, and put it into the models folder by hand."
        )
    return (exact or named)[0]


def _bar(progress: Progress, size: int, function: object) -> dict[str, type]:
    """The hub's bar, reporting to ours; older hubs take none and only start and end are told."""
    if "tqdm_class" not in inspect.signature(function).parameters:
        return {}
    from huggingface_hub.utils import tqdm

    class Bar(tqdm):
        def __init__(self, *args, **options) -> None:
            super().__init__(*args, **options | {"disable": True})
            self._done = options.get("initial", 0) or 0

        def update(self, n: float | None = 1) -> None:
            self._done += n or 0
            progress("download", min(int(self._done), size), size)

    return {"tqdm_class": Bar}
