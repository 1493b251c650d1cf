"""What is said of the time that a run will take."""

import pytest

from magicportrait_core.cli.time_left import TimeLeft, time_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.25, "0.2 s"), (8.26, "8.3 s"), (35.4, "35 s"), (61, "1 min"), (59 * 60, "59 min"),
        (8400, "2 h 20 min"), (3600 * 50, "50 h"),
    ],
)  # fmt: skip
def test_times_as_people_say_them(seconds, text):
    assert time_text(seconds) == text


def told(capsys, *calls):
    """What is said where (seconds, stage, done) are reported of 240."""
    passed, now = [], iter([seconds for seconds, _, _ in calls])
    progress = TimeLeft(lambda *given: passed.append(given), clock=lambda: next(now))
    for _, stage, done in calls:
        progress(stage, done, 240)
    assert passed == [(stage, done, 240) for _, stage, done in calls]
    return capsys.readouterr().err


def test_after_the_first_window_what_is_left_is_said_once(capsys):
    calls = [(0, "denoising", 0), (35, "denoising", 1), (80, "denoising", 2)]
    assert told(capsys, *calls) == "A window takes 35 s, 239 are to come: about 2 h 19 min left.\n"


def test_windows_that_were_kept_are_no_measure(capsys):
    calls = [(0, "denoising", 100), (0.01, "denoising", 101), (30.01, "denoising", 102)]
    assert told(capsys, *calls) == "A window takes 30 s, 138 are to come: about 1 h 9 min left.\n"


def test_several_windows_at_once(capsys):
    calls = [(0, "denoising", 0), (40, "denoising", 4)]
    assert "A window takes 10 s, 236 are to come" in told(capsys, *calls)


def test_what_is_soon_done_needs_no_words(capsys):
    assert told(capsys, (0, "denoising", 0), (0.2, "denoising", 1)) == ""
