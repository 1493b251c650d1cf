"""Many clips from a list: one after another here, or on many machines through Ray."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import InputError
from .pipeline import reenact
from .preview import MotionSettings

COLUMNS = ("portrait", "driving", "output")


@dataclass(frozen=True)
class Job:
    """One row of a list."""

    portrait: Path
    driving: Path
    output: Path


@dataclass(frozen=True)
class JobResult:
    """How a job ended; ``message`` is empty where it went well."""

    job: Job
    state: str  #: done, kept (its output was there already) or failed
    message: str = ""


def read_jobs(path: str | Path) -> list[Job]:
    """Read a CSV with the columns portrait, driving, output; paths count from its own folder."""
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            if not set(COLUMNS) <= set(rows.fieldnames or ()):
                raise InputError(f"{path.name} must have the columns {', '.join(COLUMNS)}")
            jobs = [_job(path, number, row) for number, row in enumerate(rows, 2)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a CSV list: {error}") from error
    if not jobs:
        raise InputError(f"{path.name} lists no jobs")
    outputs = [job.output for job in jobs]
    twice = next((o for o in outputs if outputs.count(o) > 1), None)
    if twice:
        raise InputError(f"{path.name} names the output {twice.name} twice")
    return jobs


def _job(path: Path, line: int, row: dict[str, str | None]) -> Job:
    values = [(row[name] or "").strip() for name in COLUMNS]
    if not all(values):
        raise InputError(f"{path.name}, line {line}: portrait, driving and output must be named")
    return Job(*(path.parent.resolve() / value for value in values))


def run_job(job: Job, settings: MotionSettings | None = None, **options) -> JobResult:
    """One job; what goes wrong with its files is its result, not the end of the others.

    options: of `pipeline.reenact`: engine, face, trim, models, device.
    """
    if job.output.exists():
        return JobResult(job, "kept")
    try:
        reenact(job.portrait, job.driving, job.output, settings=settings, resume=True, **options)
    except Exception as error:  # a bug in one job must not end the others
        return JobResult(job, "failed", str(error) or type(error).__name__)
    return JobResult(job, "done")


def run_jobs(
    jobs: list[Job], settings: MotionSettings | None = None, ray: bool = False, **options
) -> Iterator[JobResult]:
    """Yield each job's result as it ends. A job whose output exists is kept, so a list resumes.

    ray: share the jobs out over a Ray cluster, one processor each: the running one that
    RAY_ADDRESS names, else one on this machine. Every machine needs the files at the same paths.
    options: as of :func:`run_job`, for all.
    """
    here = (run_job(job, settings, **options) for job in jobs)
    yield from _on_ray(jobs, settings, options) if ray else here


def _on_ray(jobs: list[Job], settings: MotionSettings | None, options: dict) -> Iterator[JobResult]:
    try:
        import ray
    except ImportError as error:
        raise InputError(
            'Ray is not installed: pip install "magicportrait[batch]", or leave out --ray'
        ) from error
    started = not ray.is_initialized()
    if started:
        ray.init(log_to_driver=False)
    try:
        remote = ray.remote(num_cpus=1)(run_job)
        waiting = [remote.remote(job, settings, **options) for job in jobs]
        while waiting:
            ready, waiting = ray.wait(waiting)
            yield ray.get(ready[0])
    finally:
        if started:
            ray.shutdown()
