"""A list of jobs: every row has its own end."""

import json

import pytest
from typer.testing import CliRunner

from magicportrait_core import batch
from magicportrait_core.batch import Job, read_jobs, run_jobs
from magicportrait_core.cli.app import app
from magicportrait_core.demo import demo_portrait_path
from magicportrait_core.errors import InputError
from magicportrait_core.preview import MotionSettings


def listed(folder, text):
    path = folder / "jobs.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_paths_count_from_the_list(tmp_path):
    jobs = read_jobs(listed(tmp_path, "portrait,driving,output\na.png, b.mp4,out/c.mp4\n"))
    assert jobs == [Job(tmp_path / "a.png", tmp_path / "b.mp4", tmp_path / "out/c.mp4")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("portrait,driving\na,b\n", "columns portrait, driving, output"),
        ("portrait,driving,output\n", "lists no jobs"),
        ("portrait,driving,output\na,b,\n", "line 2"),
        ("portrait,driving,output\na,b,c.mp4\nd,e,c.mp4\n", "twice"),
    ],
)
def test_bad_lists_are_refused(tmp_path, text, words):
    with pytest.raises(InputError, match=words):
        read_jobs(listed(tmp_path, text))


def test_one_failure_does_not_end_the_others_and_a_second_run_resumes(tmp_path, acted_clip):
    portrait, clip = demo_portrait_path(), acted_clip
    text = f"portrait,driving,output\nmissing.png,{clip},a.mp4\n{portrait},{clip},b.mp4\n"
    result = CliRunner().invoke(app, ["batch", str(listed(tmp_path, text)), "--json"])
    states = [job["state"] for job in json.loads(result.stdout)["jobs"]]
    assert (result.exit_code, states) == (1, ["failed", "done"])
    assert (tmp_path / "b.mp4").stat().st_size > 0
    again = run_jobs(read_jobs(tmp_path / "jobs.csv"), MotionSettings())
    assert [r.state for r in again] == ["failed", "kept"]


def test_ray_gives_the_same_results(tmp_path):
    pytest.importorskip("ray", reason="Ray is not installed (extra batch)")
    jobs = [Job(tmp_path / "no.png", tmp_path / "no.mp4", tmp_path / f"{i}.mp4") for i in (0, 1)]
    results = list(run_jobs(jobs, MotionSettings(), ray=True))
    assert sorted(r.job.output.name for r in results) == ["0.mp4", "1.mp4"]
    assert {r.message for r in results} == {batch.run_job(jobs[0], MotionSettings()).message}
