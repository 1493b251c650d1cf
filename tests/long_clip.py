"""How much memory a long clip takes: tiny networks, a made up driver, the whole way to a file.

    python -m tests.long_clip 500 10000 --plot memory.png

runs each number of frames in a process of its own and plots resident memory over time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SIZE, STEPS = 64, 1
_PERIOD = 0.1  #: seconds between looks at the memory


def resident_mb() -> float:
    """Memory of this process that is in use now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def run(frames: int, folder: Path) -> dict:
    """One clip in this process: frames, seconds, peak_mb and [seconds, MB] through time."""
    from magicportrait_core.demo import demo_portrait_path
    from magicportrait_core.diffusion.checkpoints.tiny_models import make_tiny
    from magicportrait_core.diffusion.sampler import SampleSettings
    from magicportrait_core.reenactment import DiffusionSettings, reenact_diffusion
    from magicportrait_core.tracks import save_head_track
    from tests.head_folder import fill_models
    from tests.small_head import small_head, small_track

    models = folder / "models"
    make_tiny(models)
    fill_models(models, small_head())
    save_head_track(folder / "head.safetensors", replace(small_track(frames), tracker="made up"))
    began, series, ended = time.monotonic(), [], threading.Event()

    def look() -> None:
        while not ended.wait(_PERIOD):
            series.append((round(time.monotonic() - began, 1), round(resident_mb(), 1)))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        settings = DiffusionSettings(SampleSettings(steps=STEPS, guidance_scale=1), size=SIZE)
        report = reenact_diffusion(
            demo_portrait_path(), folder / "head.safetensors", folder / "out.mp4", settings,
            models=models,
        )  # fmt: skip
    finally:
        ended.set()
        watcher.join()
    return {
        "frames": report.frames,
        "seconds": {stage: round(value, 1) for stage, value in report.seconds.items()},
        "peak_mb": max(mb for _, mb in series),
        "series": series,
    }


def run_apart(frames: int) -> dict:
    """:func:`run` in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "tests.long_clip", str(frames), "--folder", folder]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def plot(results: list[dict], path: Path) -> None:
    """Memory over the share of the run that is done, a line for each clip."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 5))
    for result in results:
        times, sizes = zip(*result["series"], strict=True)
        label = f"{result['frames']} frames, peak {result['peak_mb']:.0f} MB, {times[-1]:.0f} s"
        axes.plot([t / times[-1] for t in times], sizes, label=label)
    axes.set(xlabel="share of the run's time", ylabel="resident memory, MB", ylim=(0, None))
    axes.legend()
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("frames", nargs="+", type=int)
    parser.add_argument("--folder", type=Path, help="run here, in this process; of one clip")
    parser.add_argument("--plot", type=Path)
    given = parser.parse_args()
    if given.folder is not None:
        print(json.dumps(run(given.frames[0], given.folder)))
        return
    results = [run_apart(frames) for frames in given.frames]
    for result in results:
        print(json.dumps({name: value for name, value in result.items() if name != "series"}))
    if given.plot is not None:
        plot(results, given.plot)


if __name__ == "__main__":
    main()
