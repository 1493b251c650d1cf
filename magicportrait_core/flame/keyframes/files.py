"""Key frames as they stand in a JSON or CSV file, read and checked; see `keyframes`."""

from __future__ import annotations

import csv
import difflib
import json
import math
import re
import reprlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from ...errors import InputError

MAX_FRAMES = 200_000  #: over two hours; more is a slip of the pen
DEFAULT_FPS = Fraction(25)
#: channel -> lowest and highest value
RANGES = {
    **dict.fromkeys(("yaw", "pitch", "roll"), (-180.0, 180.0)),
    "jaw": (-20.0, 60.0),
    **dict.fromkeys(("eyelid_left", "eyelid_right"), (0.0, 1.0)),
    **dict.fromkeys(("gaze_yaw", "gaze_pitch"), (-60.0, 60.0)),
}
EXPRESSION_RANGE = (-10.0, 10.0)


@dataclass(frozen=True)
class Keyframes:
    """Curves by their keys."""

    channels: dict[str, dict[int, float]]  #: channel -> frame -> value
    frames: int
    fps: Fraction


def read_file(path: Path, n_e: int) -> Keyframes:
    """Read a .json or .csv. n_e: expressions that there are. Raises InputError."""
    readers = {".json": _read_json, ".csv": _read_csv}
    if path.suffix.lower() not in readers:
        raise InputError(f"{path.name}: key frames are read from .json and .csv files.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is no text file in UTF-8: save it as UTF-8.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    return _read(text, path.name, readers[path.suffix.lower()], n_e)


def read_text(text: str, name: str, n_e: int) -> Keyframes:
    """Read what would stand in such a file; JSON begins with {. name: for messages."""
    reader = _read_json if text.lstrip().startswith("{") else _read_csv
    return _read(text, name, reader, n_e)


def _read(text: str, name: str, reader: Callable[[str, _Collected], None], n_e: int) -> Keyframes:
    found = _Collected(name, n_e)
    if not text.strip():
        raise found.wrong("", "there are no keys in it, the file is empty")
    reader(text, found)
    return found.finished()


class _Collected:
    """Keys of one file on their way in, and what is said where one is wrong."""

    def __init__(self, name: str, n_e: int) -> None:
        self.name, self.n_e = name, n_e
        self.channels: dict[str, dict[int, float]] = {}
        self.seen: dict[int, str] = {}  #: frame -> where it stood
        self.fps, self.frames = DEFAULT_FPS, 0
        self.settings: dict[str, str] = {}  #: fps and frames -> where they stood

    def wrong(self, where: str, what: str) -> InputError:
        return InputError(f"{self.name}, {where}: {what}." if where else f"{self.name}: {what}.")

    def number(self, where: str, name: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.wrong(where, f"{name} must be a number, got {reprlib.repr(value):.40}")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self.wrong(where, f"{name} must be a finite number, got {number}")
        return number

    def frame(self, where: str, value: Any) -> int:
        """The frame of a key, once in a file."""
        frame = self.number(where, "frame", value)
        if frame != int(frame) or not 0 <= frame < MAX_FRAMES:
            raise self.wrong(
                where, f"frame must be a whole number from 0 to {MAX_FRAMES - 1}, got {frame:g}"
            )
        if int(frame) in self.seen:
            raise self.wrong(where, f"frame {frame:g} has its keys in {self.seen[int(frame)]}")
        self.seen[int(frame)] = where
        return int(frame)

    def check_channel(self, where: str, name: str) -> None:
        if name in RANGES:
            return
        match = re.fullmatch(r"exp_(0|[1-9]\d{0,5})", name)
        if match and int(match[1]) < self.n_e:
            return
        if match:
            raise self.wrong(
                where, f"{name} does not exist, the head model's last is exp_{self.n_e - 1}"
            )
        near = difflib.get_close_matches(name, RANGES, 1)
        hint = f"did you mean {near[0]}" if near else f"there are {', '.join(RANGES)} and exp_0 .."
        raise self.wrong(where, f"{name!r:.40} is no channel: {hint}")

    def add(self, where: str, channel: str, frame: int, value: Any) -> None:
        self.check_channel(where, channel)
        number = self.number(where, channel, value)
        low, high = RANGES.get(channel, EXPRESSION_RANGE)
        if not low <= number <= high:
            raise self.wrong(where, f"{channel} must be {low:g} to {high:g}, got {number:g}")
        points = self.channels.setdefault(channel, {})
        if frame in points:
            raise self.wrong(where, f"{channel} is given twice")
        points[frame] = number

    def once(self, where: str, name: str) -> None:
        """Of fps and frames there is one in a file."""
        if name in self.settings:
            raise self.wrong(where, f"{name} is given already in {self.settings[name]}")
        self.settings[name] = where

    def set_fps(self, where: str, value: Any) -> None:
        self.once(where, "fps")
        fps = self.number(where, "fps", value)
        if not 0 < fps <= 1000:
            raise self.wrong(where, f"fps must be above 0 and at most 1000, got {fps:g}")
        self.fps = Fraction(fps).limit_denominator(1001)

    def set_frames(self, where: str, value: Any) -> None:
        self.once(where, "frames")
        frames = self.number(where, "frames", value)
        if frames != int(frames) or not 1 <= frames <= MAX_FRAMES:
            raise self.wrong(
                where, f"frames must be a whole number from 1 to {MAX_FRAMES}, got {frames:g}"
            )
        self.frames = int(frames)

    def finished(self) -> Keyframes:
        if not self.seen:
            raise self.wrong("", "there are no keys in it")
        last = max(self.seen)
        if self.frames and last >= self.frames:
            raise self.wrong(
                self.seen[last], f"frame {last} lies beyond the {self.frames} frames it announces"
            )
        return Keyframes(self.channels, self.frames or last + 1, self.fps)


def _read_json(text: str, into: _Collected) -> None:
    try:
        data = json.loads(text, object_pairs_hook=_Object)
    except json.JSONDecodeError as error:
        raise into.wrong(f"line {error.lineno}", f"this is no JSON ({error.msg})") from error
    except (RecursionError, ValueError) as error:
        raise into.wrong("", "this is no JSON that key frames need") from error
    if not isinstance(data, dict) or not isinstance(data.get("keys"), list):
        raise into.wrong("", 'a JSON file of key frames is {"fps": .., "frames": .., "keys": [..]}')
    _check_names("", data, into)
    unknown = sorted(set(data) - {"fps", "frames", "keys"})
    if unknown:
        raise into.wrong("", f"{unknown[0]!r:.40} is none of fps, frames and keys")
    if "fps" in data:
        into.set_fps("", data["fps"])
    if "frames" in data:
        into.set_frames("", data["frames"])
    for number, key in enumerate(data["keys"]):
        where = f"key {number}"
        if not isinstance(key, dict) or "frame" not in key:
            raise into.wrong(where, 'a key is {"frame": .., "yaw": ..}')
        _check_names(where, key, into)
        frame = into.frame(where, key["frame"])
        where = f"{where} (frame {frame})"
        expression = key.get("expression", _Object([]))
        if not isinstance(expression, dict):
            raise into.wrong(where, 'expression must be {"0": 1.5, ..}')
        _check_names(where, expression, into)
        given = [(name, v) for name, v in key.items() if name not in ("frame", "expression")]
        for name, value in given + [(f"exp_{k}", v) for k, v in expression.items()]:
            into.add(where, name, frame, value)


class _Object(dict):
    """A JSON object that knows which of its names stood there twice, or None."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        counts = Counter(name for name, _ in pairs)
        self.twice = next((name for name, count in counts.items() if count > 1), None)


def _check_names(where: str, given: _Object, into: _Collected) -> None:
    if given.twice is not None:
        raise into.wrong(where, f"{given.twice!r:.40} is given twice")


def _read_csv(text: str, into: _Collected) -> None:
    header: list[str] | None = None
    rows = csv.reader(text.splitlines())
    while True:
        try:
            row = next(rows)
        except StopIteration:
            break
        except csv.Error as error:
            raise into.wrong(f"line {rows.line_num}", f"this is no CSV ({error})") from error
        where, cells = f"line {rows.line_num}", [cell.strip() for cell in row]
        if not any(cells):
            continue
        if cells[0].startswith("#"):
            _csv_remark(cells[0], where, into)
        elif header is None:
            header = _csv_header(cells, where, into)
        else:
            _csv_row(header, cells, where, into)


def _csv_remark(text: str, where: str, into: _Collected) -> None:
    """Lines "# fps 24" and "# frames 48"; other remarks are the author's own."""
    match = re.fullmatch(r"#\s*(fps|frames)\s*[=:]?\s*(\S+)", text)
    if match:
        setter = into.set_fps if match[1] == "fps" else into.set_frames
        setter(where, _csv_number(match[2], match[1], where, into))


def _csv_header(cells: list[str], where: str, into: _Collected) -> list[str]:
    if "frame" not in cells:
        raise into.wrong(where, "the header must have a column named frame")
    for name in cells:
        if cells.count(name) > 1:
            raise into.wrong(where, f"column {name!r:.40} stands there twice")
        if name != "frame":
            into.check_channel(where, name)
    return cells


def _csv_row(header: list[str], cells: list[str], where: str, into: _Collected) -> None:
    if len(cells) != len(header):
        raise into.wrong(where, f"the header has {len(header)} columns, this line {len(cells)}")
    row = dict(zip(header, cells, strict=True))
    frame = into.frame(where, _csv_number(row.pop("frame"), "frame", where, into))
    for name, cell in row.items():
        if cell:
            into.add(where, name, frame, _csv_number(cell, name, where, into))


def _csv_number(cell: str, name: str, where: str, into: _Collected) -> float:
    try:
        return float(cell if cell.isascii() and "_" not in cell else "")  # float reads 1_0 as 10
    except ValueError:
        raise into.wrong(where, f"{name} must be a number, got {cell!r:.40}") from None
