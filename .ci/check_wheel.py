"""The wheel holds magicportrait_core with all of its data, its metadata, and nothing else.

Run in the repository: python .ci/check_wheel.py WHEEL
"""

import sys
import zipfile
from pathlib import Path

PACKAGE = "magicportrait_core"
METADATA = ["METADATA", "entry_points.txt", "licenses/LICENSE", "licenses/NOTICE"]
METADATA += [f"licenses/{PACKAGE}/faces/weights/{name}" for name in ("LICENSE", "NOTICE")]


def main(wheel: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if not name.endswith("/")}
    own = {
        path.as_posix()
        for path in Path(PACKAGE).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    info = Path(wheel).name.split("-py3")[0] + ".dist-info/"
    faults = [f"missing: {name}" for name in sorted(own - held)]
    faults += [f"missing: {info}{name}" for name in METADATA if info + name not in held]
    faults += [f"foreign: {n}" for n in sorted(held - own) if not n.startswith(info)]
    if faults:
        sys.exit(f"{wheel}:\n" + "\n".join(faults))
    print(f"{Path(wheel).name}: {len(own)} files of {PACKAGE}, {Path(wheel).stat().st_size} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
