"""The golden check: every expected tensor of a goldens folder against the production code.

    python -m tests.verify_goldens DIR --json [--skip-slow]

DIR has the folders geometry/ and diffusion/, or is one of them. Printed is a JSON list with a row
for each expected tensor: file, tensor, compared, max_abs, rel, pixels_off, ok, reason; without
--json, a table of what is not ok. A file that cannot be read and a link that leads nowhere are rows
of the tensor "*". The exit code is 1 where a row is not ok, and where there are no rows.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import asdict
from fnmatch import fnmatchcase
from pathlib import Path

from tests.goldens import (
    diffusion_full_width,
    diffusion_networks,
    diffusion_pipeline,
    geometry_align,
    geometry_crops,
    geometry_encoders,
    geometry_flame,
    geometry_render,
)
from tests.goldens.registry import Family, GoldenFile, files_below
from tests.goldens.rows import Row, compare

FAMILIES: tuple[Family, ...] = (
    geometry_crops.FAMILY,
    geometry_encoders.FAMILY,
    geometry_flame.HEAD,
    geometry_flame.FAMILY,
    geometry_render.FAMILY,
    geometry_align.FAMILY,
    *diffusion_networks.FAMILIES,
    *diffusion_pipeline.FAMILIES,
    *diffusion_full_width.FAMILIES,
)
ALL = "*"  #: in place of the tensors of a file that cannot be read
#: (file, tensor, why): steps of the reference that the product replaces
REPLACED = (
    ("*crops*", "crop_process.*", "insightface's box, cv2's warp: portraits are cropped by mesh"),
    ("*crops*", "get_image_dict.resized512_u8", "pictures are cropped, never squashed to 512 px"),
    ("*crops*", "resize_aa.*", "pictures are cropped, never squashed to 512 px"),
)


def golden_files(folder: Path, skip_slow: bool = False) -> Iterator[tuple[Path, Family | None]]:
    """The files of a folder, and what computes them."""
    for path in files_below(folder):
        family = family_of(path.name)
        if not (skip_slow and family is not None and family.slow):
            yield path, family


def family_of(name: str) -> Family | None:
    """What computes files of this name, behind whatever prefix: the pattern that begins first."""
    found = [(family.begins(name), family) for family in FAMILIES]
    fits = [(at, family) for at, family in found if at is not None]
    return min(fits, key=lambda pair: pair[0])[1] if fits else None


def check_file(path: Path, folder: Path, family: Family | None) -> list[Row]:
    """A row for each expected tensor of one file."""
    name = path.relative_to(folder).as_posix()
    try:
        file = GoldenFile.read(path)
    except Exception as error:  # whatever is wrong with it, the other files go on
        nowhere = path.is_symlink() and not path.exists()
        reason = f"it cannot be read ({type(error).__name__}: {error})"
        reason = "it is a link that leads nowhere" if nowhere else reason
        return [Row(name, ALL, False, ok=False, reason=reason)]
    if not file.tensors:
        return [Row(name, ALL, False, ok=False, reason="it holds no tensors")]
    if family is None:
        reason = "nothing computes files of this name"
        return [Row(name, tensor, False, ok=False, reason=reason) for tensor in file.tensors]
    rows: dict[str, Row] = {}
    reason = "nothing computes it"
    try:
        for computed in family.compute(file):
            if computed.tensor in file.tensors:
                expected = file.tensors[computed.tensor]
                rows[computed.tensor] = compare(name, computed, expected)
    except Exception as error:  # what it would have computed is listed, the other files go on
        reason = f"{type(error).__name__}: {error}"
    for tensor in file.tensors:
        if tensor not in rows and not family.is_input(tensor):
            rows[tensor] = _left_out(name, path.name, tensor, reason)
    return [rows[tensor] for tensor in file.tensors if tensor in rows]


def _left_out(name: str, file_name: str, tensor: str, reason: str) -> Row:
    for file_pattern, tensor_pattern, why in REPLACED:
        if fnmatchcase(file_name, file_pattern) and fnmatchcase(tensor, tensor_pattern):
            return Row(name, tensor, False, ok=None, reason=why)
    return Row(name, tensor, False, ok=False, reason=reason)


def verify(folder: Path, skip_slow: bool = False) -> Iterator[Row]:
    """The rows of every file below a folder."""
    for path, family in golden_files(folder, skip_slow):
        yield from check_file(path, folder, family)


class _Parser(argparse.ArgumentParser):
    """A program that asks for JSON gets a list, even where its other arguments are wrong."""

    def error(self, message: str) -> None:
        if "--json" in sys.argv:
            print("[]")
        super().error(message)


def main() -> int:
    parser = _Parser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--json", action="store_true", help="print the rows as a JSON list")
    parser.add_argument("--skip-slow", action="store_true", help="leave out files of minutes")
    options = parser.parse_args()
    rows: list[Row] = []
    if options.folder.is_dir():
        with redirect_stdout(sys.stderr):  # stdout is the list's alone
            rows = list(verify(options.folder, options.skip_slow))
        nothing = f"{options.folder} holds no file with a tensor to compare."
    else:
        nothing = f"{options.folder} is no folder: name the one that holds the golden files."
    if not rows:
        print(nothing, file=sys.stderr)
    wrong = [row for row in rows if row.ok is False]
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=1, allow_nan=False))
    else:
        for row in wrong:
            print(f"{row.file} {row.tensor}: rel {row.rel}, {row.pixels_off} off; {row.reason}")
        print(f"{len(rows)} tensors, {sum(row.compared for row in rows)} compared, "
              f"{len(wrong)} not ok")  # fmt: skip
    return 0 if rows and not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
