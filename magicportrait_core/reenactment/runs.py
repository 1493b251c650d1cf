"""A run folder: what a long run has done, so that it goes on where it was stopped.

    run.json            what the run is made of, and the output once it is finished
    portrait.png, own_face.safetensors, driver_face.safetensors, motion.safetensors, tracked.json
                        the portrait, cut out, and its motion; tracked.json is written last
    start.safetensors   latents that sampling starts from, where it does not start from noise
    state.safetensors   latents after the last finished step, and what the solver needs
    windows/            predictions of the current step's windows
    previews/           pictures to look at; nothing is read from them

Every file is written beside its place, brought to the disk and renamed: at whatever moment a run
ends, what lies here is whole. No other file is ever removed.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..diffusion.clips.journal import Journal, SamplerState, StepJournal
from ..errors import InputError
from ..files import remove_parts, replacing

SETUP, STATE, START = "run.json", "state.safetensors", "start.safetensors"
PORTRAIT, MOTION, TRACKED = "portrait.png", "motion.safetensors", "tracked.json"
OWN_FACE, DRIVER_FACE = "own_face.safetensors", "driver_face.safetensors"
FILES = (SETUP, STATE, START, PORTRAIT, MOTION, TRACKED, OWN_FACE, DRIVER_FACE)
WINDOWS, PREVIEWS = "windows", "previews"
FORMAT = 1
_HISTORY = "history."


class RunFolder:
    """One run's folder. Make it with :meth:`begin`."""

    def __init__(self, path: Path, setup: Mapping[str, Any]) -> None:
        self.path, self._setup = path, setup

    @staticmethod
    def begin(path: str | Path, setup: Mapping[str, Any], resume: bool) -> RunFolder:
        """Open a folder for a run, which need not exist.

        Args:
            setup: what the run's bytes depend on, as JSON has it: a dictionary of dictionaries.
            resume: keep what the folder has of the same run; else a finished one is removed.

        Raises InputError for a folder that holds something else or, without ``resume``, the steps
        of a run that was stopped; and where ``resume`` would go on with another setup: what
        differs.
        """
        folder = RunFolder(Path(path), json.loads(json.dumps(setup)))
        kept = folder._read()
        if resume and kept is not None:
            _check_same(folder.path, kept, folder._setup)
            folder._sweep()
            return folder
        if kept is None and folder._foreign():
            raise InputError(f"The folder {folder.path} holds no run: name an empty or a new one.")
        if kept is not None and folder._stopped():
            raise InputError(
                f"The folder {folder.path} holds a run that was stopped on its way: go on with it "
                "by --resume, or remove the folder to begin anew."
            )
        folder._make()
        return folder

    def file(self, name: str) -> Path:
        """Where one of FILES lies, or is to lie."""
        if name not in FILES:
            raise ValueError(name)
        return self.path / name

    def journal(self) -> Journal:
        """What the sampler has done here."""
        return RunJournal(self.path)

    def finish(self, output: Path, about: Mapping[str, Any]) -> None:
        """Say that the run is finished: where its output is, and facts about it."""
        self._write({"output": str(output.resolve()), **about})

    @property
    def begun(self) -> bool:
        """Whether it holds work to go on with: all up to the tracking is done."""
        return holds_work(self.path)

    def remove(self) -> None:
        """Delete the folder with all that this class and its stages wrote."""
        self._empty()
        if not any(self.path.iterdir()):
            self.path.rmdir()

    def _make(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._empty()
        except OSError as error:
            raise InputError(
                f"The run folder {self.path} cannot be made ({error.strerror}): name another one."
            ) from error
        self._write(None)

    def _empty(self) -> None:
        for name in (WINDOWS, PREVIEWS):
            shutil.rmtree(self.path / name, ignore_errors=True)
        self._sweep()
        for name in reversed(FILES):  # run.json last: until then it is known as a run's
            (self.path / name).unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove what a process that was killed was writing."""
        for name in FILES:
            remove_parts(self.path / name)

    def _foreign(self) -> bool:
        """Whether something lies here though no run began: run.json comes first and goes last.

        A user's own portrait.png or previews/ have names as a run's, and are not a run's.
        """
        if not self.path.is_dir():
            return False
        return any(not _is_beginning(path.name) for path in self.path.iterdir())

    def _stopped(self) -> bool:
        """Whether steps lie here of a run that was not finished."""
        values = json.loads((self.path / SETUP).read_text(encoding="utf-8"))
        return values.get("finished") is None and (self.path / STATE).is_file()

    def _read(self) -> dict[str, Any] | None:
        """run.json's setup; None: there is none."""
        path = self.path / SETUP
        if not path.is_file():
            return None
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            if found["format"] != FORMAT:
                raise ValueError(f"format {found['format']}")
            return dict(found["setup"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path} is not of this version's runs ({error}): remove it."
            ) from error

    def _write(self, finished: Mapping[str, Any] | None) -> None:
        values = {"format": FORMAT, "setup": self._setup, "finished": finished}
        with replacing(self.path / SETUP) as temporary:
            temporary.write_text(json.dumps(values, indent=1), encoding="utf-8")


class RunJournal(Journal):
    """Steps and windows as files of a run folder."""

    def __init__(self, folder: Path) -> None:
        self._state, self._windows = folder / STATE, folder / WINDOWS

    def state(self) -> SamplerState | None:
        if not self._state.is_file():
            return None
        try:
            with safe_open(self._state, "pt") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys()}
                steps = int((file.metadata() or {})["steps"])
            history = {k.removeprefix(_HISTORY): v for k, v in tensors.items() if _HISTORY in k}
            return SamplerState(steps, tensors["latents"], history)
        except (SafetensorError, OSError, KeyError, ValueError) as error:
            raise InputError(
                f"{self._state} is damaged ({error}): remove {self._state.parent} to begin anew."
            ) from error

    def step(self, number: int) -> StepJournal:
        return KeptWindows(self._windows, number)

    def finish(self, state: SamplerState) -> None:
        tensors = {_HISTORY + name: value for name, value in state.history.items()}
        tensors["latents"] = state.latents
        with replacing(self._state) as temporary:
            save_file(_apart(tensors), temporary, {"steps": str(state.steps)})
        shutil.rmtree(self._windows, ignore_errors=True)


class KeptWindows(StepJournal):
    """One small file a window."""

    def __init__(self, folder: Path, step: int) -> None:
        self._folder, self._step = folder, step

    def find(self, number: int) -> Tensor | None:
        path = self._path(number)
        if not path.is_file():
            return None
        try:
            with safe_open(path, "pt") as file:
                return file.get_tensor("v")
        except (SafetensorError, OSError):
            return None  # it is computed again

    def keep(self, number: int, prediction: Tensor) -> None:
        self._folder.mkdir(exist_ok=True)
        with replacing(self._path(number)) as temporary:
            save_file({"v": prediction.cpu().contiguous()}, temporary)

    def _path(self, number: int) -> Path:
        return self._folder / f"step_{self._step + 1:04d}_window_{number + 1:06d}.safetensors"


def holds_work(path: Path) -> bool:
    """Whether a folder holds a run whose tracking is done."""
    return (path / SETUP).is_file() and (path / TRACKED).is_file()


def _is_beginning(name: str) -> bool:
    """What a process that was killed at the very beginning left."""
    return name.endswith(".part") and name.startswith(f".{SETUP}.")


def _apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Contiguous, on the CPU, none sharing memory, as a file wants them."""
    seen: set[int] = set()
    made = {}
    for name, tensor in tensors.items():
        tensor = tensor.cpu().contiguous()
        shared = tensor.untyped_storage().data_ptr() in seen
        made[name] = tensor.clone() if shared or _is_view(tensor) else tensor
        seen.add(made[name].untyped_storage().data_ptr())
    return made


def _is_view(tensor: Tensor) -> bool:
    return tensor.untyped_storage().nbytes() != tensor.numel() * tensor.element_size()


def _check_same(path: Path, kept: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    was, is_ = dict(_flat(kept)), dict(_flat(now))
    differing = [
        f"{name} is {is_.get(name, 'not there')} now, was {was.get(name, 'not there')}"
        for name in sorted(was.keys() | is_.keys())
        if was.get(name, _NOTHING) != is_.get(name, _NOTHING)
    ]
    if differing:
        raise InputError(
            f"The run in {path} cannot go on to the same bytes: {'; '.join(differing)}. Set it "
            "back, or remove the folder to begin anew."
        )


_NOTHING = object()


def _flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """("settings.steps", 20) ... of dictionaries in dictionaries."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value
