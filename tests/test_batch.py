"""A list of jobs: every row has its own end."""

import json

import pytest
from typer.testing import CliRunner

from magicportrait_core import batch
from magicportrait_core.batch import Job, read_jobs, run_jobs
from magicportrait_core.cli.app import app
from magicportrait_core.demo import demo_portrait_path
from magicportrait_core.diffusion.checkpoints.tiny_models import make_tiny
from magicportrait_core.drivers import FaceChoice
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


def test_all_jobs_have_the_options_of_reenact(tmp_path, monkeypatch, acted_clip):
    seen = []
    monkeypatch.setattr(batch, "reenact", lambda *files, **options: seen.append(options))
    path = listed(
        tmp_path, f"portrait,driving,output\na.png,{acted_clip},b.mp4\nc.png,d.mp4,e.mp4\n"
    )
    words = "--mouth 0.5 --face left_to_right --end 2 --stride 2 --models none --device cpu"
    result = CliRunner().invoke(app, ["batch", str(path), *words.split()])
    assert result.exit_code == 0, result.stderr
    assert "Engine: preview (the diffusion engine's weights are not all in none" in result.stderr
    options, same = seen
    assert options == same
    assert options["settings"] == MotionSettings(mouth=0.5)
    assert options["face"] == FaceChoice("left_to_right")
    assert (options["trim"].end, options["trim"].stride) == (2.0, 2)
    assert (options["engine"], options["device"]) == ("preview", "cpu")


def test_what_suits_no_job_is_refused_before_the_first(tmp_path):
    path = listed(tmp_path, "portrait,driving,output\na.png,b.mp4,c.mp4\n")
    for words in ("--pose 3", "--engine diffusion --models none", "--fps fast"):
        result = CliRunner().invoke(app, ["batch", str(path), *words.split()])
        assert result.exit_code == 2, words


def test_the_mode_that_is_left_out_is_the_engines(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(batch, "reenact", lambda *files, **options: seen.append(options))
    path = listed(tmp_path, "portrait,driving,output\na.png,b.mp4,c.mp4\n")
    make_tiny(tmp_path / "models")
    words = ["batch", str(path), "--models", str(tmp_path / "models")]
    for more in ([], ["--mode", "relative"], ["--engine", "preview"]):
        assert CliRunner().invoke(app, [*words, *more]).exit_code == 0
    chosen = [(options["engine"], options["settings"].mode) for options in seen]
    assert chosen == [
        ("diffusion", "absolute"), ("diffusion", "relative"), ("preview", "relative"),
    ]  # fmt: skip
    refused = CliRunner().invoke(app, [*words, "--mirror"])
    assert refused.exit_code == 2
    assert "The diffusion engine has no mirrored driver" in refused.stderr
