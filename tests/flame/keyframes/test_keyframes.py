"""Key frames from JSON and CSV: what is drawn through them, and what is said of bad ones."""

import json
from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from magicportrait_core.errors import InputError
from magicportrait_core.flame.keyframes.keyframes import read_keyframes
from magicportrait_core.flame.motion.placing import in_frame
from magicportrait_core.flame.motion.readout import head_angles, jaw_opening, openings
from magicportrait_core.flame.transfer import transfer
from magicportrait_core.types import MotionTrack, TransferSettings
from tests.small_head import small_track

ACT = {
    "fps": 24,
    "frames": 48,
    "keys": [
        {"frame": 0, "yaw": 0, "jaw": 2, "expression": {"0": 1.5}},
        {"frame": 12, "yaw": 20, "pitch": -5, "eyelid_left": 0},
        {"frame": 16, "eyelid_left": 1.0, "gaze_yaw": 10},
        {"frame": 40, "yaw": -20, "roll": 7, "expression": {"3": -1}},
    ],
}


@pytest.fixture
def write(tmp_path):
    def write(content, name="act.json"):
        path = tmp_path / name
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_json_goes_through_its_keys(write, small_head):
    track = read_keyframes(write(ACT), small_head)
    assert len(track) == 48
    assert track.fps == 24
    yaw, pitch, roll = head_angles(track)
    assert yaw[[0, 12, 40, 47]].tolist() == pytest.approx([0, 20, -20, -20], abs=1e-3)
    assert torch.allclose(pitch, torch.full((48,), -5.0), atol=1e-3)  # one key holds everywhere
    assert torch.allclose(roll, torch.full((48,), 7.0), atol=1e-3)
    assert jaw_opening(track)[17] == pytest.approx(2, abs=1e-4)
    assert track.params.expression.shape == (48, 4)
    assert track.params.expression[5].tolist() == [1.5, 0, 0, -1]
    assert track.params.eyelids[:, 0][[0, 12, 16, 30]].tolist() == [0, 0, 1, 1]
    assert (track.params.eyelids[:, 1] == 0).all()
    assert track.params.eye_pose[0].tolist() == pytest.approx([0, 0.17453, 0] * 2, abs=1e-4)
    assert track.params.basis == small_head.basis


def test_csv_says_the_same(write, small_head):
    text = "\ufeff# fps 24\n# made by hand\n#frames: 48\n\n"
    text += "frame, yaw ,jaw,pitch,roll,exp_0,exp_3,eyelid_left,gaze_yaw\n"
    text += "40,-20,,,7,,-1,,\n0,0,2,,,1.5,,,\r\n12,20,,-5,,,,0,\n16,,,,,,,1.0,10\n"
    ours = read_keyframes(write(text, "act.CSV"), small_head)
    theirs = read_keyframes(write(ACT), small_head)
    for name in ("global_pose", "jaw_pose", "expression", "eyelids", "eye_pose"):
        assert torch.equal(getattr(ours.params, name), getattr(theirs.params, name)), name
    assert (ours.fps, len(ours)) == (24, 48)


def test_curves_are_monotone_between_keys(write, small_head):
    keys = [(0, 0), (4, 0.1), (6, 30), (20, 31), (30, 31)]
    rows = "\n".join(f"{frame},{yaw}" for frame, yaw in keys)
    yaw = head_angles(read_keyframes(write("frame,yaw\n" + rows, "a.csv"), small_head))[0]
    assert len(yaw) == 31
    assert (yaw.diff() > -1e-4).all()
    assert yaw.max() < 31.001
    assert torch.allclose(yaw[20:], torch.tensor(31.0), atol=1e-3)
    assert yaw[5] > 5  # in between, not a step


def test_two_keys_are_a_line(write, small_head):
    track = read_keyframes(write("frame,pitch\n2,0\n12,10", "a.csv"), small_head)
    pitch = head_angles(track)[1]
    assert torch.allclose(pitch, torch.arange(-2.0, 11).clamp(min=0), atol=1e-3)


def test_a_rate_may_be_given(write, small_head):
    assert read_keyframes(write(ACT), small_head, fps=30).fps == 30
    assert read_keyframes(write("frame\n0", "a.csv"), small_head).fps == 25
    ntsc = read_keyframes(write(ACT), small_head, fps=Fraction(30000, 1001))
    assert ntsc.fps == Fraction(30000, 1001)


def test_no_lids_named_no_lids_moved(write, small_head):
    assert read_keyframes(write("frame,yaw\n0,5", "a.csv"), small_head).params.eyelids is None


def test_the_jaw_opens_on_flame(write, golden_head):
    track = read_keyframes(write("frame,jaw\n0,0\n10,20", "a.csv"), golden_head)
    mouth = openings(track, golden_head).mouth
    assert (mouth.diff() > 0).all()


def test_its_own_camera_shows_the_whole_head(write, small_head):
    track = read_keyframes(write("frame,yaw\n0,5", "a.csv"), small_head)
    ends = in_frame(small_head.template.T, track[[0] * 62])
    middle = (ends.amin(0) + ends.amax(0)) / 2
    assert torch.allclose(middle, torch.tensor(111.5), atol=0.01)
    assert (ends.amax(0) - ends.amin(0)).max() == pytest.approx(0.8 * 224, rel=1e-4)


@pytest.mark.parametrize("mode", ["absolute", "relative"])
def test_it_drives(write, small_head, mode):
    portrait = small_track(1)
    motion = MotionTrack(
        portrait, read_keyframes(write(ACT), small_head), TransferSettings(mode=mode)
    )
    track = transfer(motion, small_head)
    assert len(track) == 48
    assert small_head.vertices(track.params).isfinite().all()


def test_relative_key_frames_start_from_the_template(write, small_head):
    """Yaw 10 to 30 turns the portrait by 10 to 30: no frame of its own is taken for rest."""
    portrait = small_track(1)
    ahead = replace(portrait.params, global_pose=torch.zeros(1, 3))
    driver = read_keyframes(write("frame,yaw,exp_0\n0,10,1\n8,30,1", "a.csv"), small_head)
    settings = TransferSettings(mode="relative")
    track = transfer(MotionTrack(replace(portrait, params=ahead), driver, settings), small_head)
    assert head_angles(track)[0][[0, 8]].tolist() == pytest.approx([10, 30], abs=1e-3)
    assert torch.allclose(
        track.params.expression - portrait.params.expression, torch.eye(5)[0], atol=1e-6
    )
    settings = TransferSettings(mode="relative", neutral_frame=0)
    track = transfer(MotionTrack(replace(portrait, params=ahead), driver, settings), small_head)
    assert head_angles(track)[0][[0, 8]].tolist() == pytest.approx([0, 20], abs=1e-3)


def keys(*given, **more):
    return {"keys": list(given), **more}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{\n'fps': 3}", r"act.json, line 2: this is no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", 'a JSON file of key frames is {"fps"'),
        ({"frames": 3}, 'a JSON file of key frames is {"fps"'),
        (keys(), "no keys"),
        (keys({"frame": 0}, speed=2), "'speed' is none of"),
        (keys({"frame": 0}, fps=0), "fps must be above 0"),
        (keys({"frame": 0}, fps="24"), "fps must be a number, got '24'"),
        (keys({"frame": 0}, frames=2.5), "frames must be a whole number"),
        (keys({"frame": 0}, frames=10**9), "frames must be a whole number from 1 to 200000"),
        (keys({"frame": 0}, {"frame": 5}, frames=5), "key 1: frame 5 lies beyond the 5 frames"),
        (keys({"yaw": 0}), "key 0: a key is"),
        (keys(3), "key 0: a key is"),
        (keys({"frame": -1}), "key 0: frame must be a whole number from 0"),
        (keys({"frame": 0}, {"frame": True}), "key 1: frame must be a number, got True"),
        (keys({"frame": 3}, {"frame": 3}), r"key 1: frame 3 has its keys in key 0"),
        (keys({"frame": 0, "yaww": 1}), r"key 0 \(frame 0\): 'yaww' is no channel: did you mean"),
        (keys({"frame": 0, "smile": 1}), r"'smile' is no channel: there are yaw"),
        (keys({"frame": 0, "yaw": None}), "yaw must be a number, got None"),
        (keys({"frame": 0, "yaw": 200}), "yaw must be -180 to 180, got 200"),
        (keys({"frame": 0, "yaw": 10**400}), "yaw must be a finite number"),
        ('{"keys": [{"frame": 0, "yaw": NaN}]}', "yaw must be a finite number, got nan"),
        (keys({"frame": 0, "eyelid_left": 1.5}), "eyelid_left must be 0 to 1"),
        (keys({"frame": 0, "expression": [1]}), "expression must be"),
        (keys({"frame": 0, "expression": {"5": 1}}), "exp_5 does not exist.*last is exp_4"),
        (keys({"frame": 0, "expression": {"a": 1}}), "'exp_a' is no channel"),
        ("", "act.json: there are no keys in it, the file is empty"),
        (" \n", "the file is empty"),
        ('{"keys": [{"frame": 0, "yaw": 1, "yaw": 2}]}', "key 0: 'yaw' is given twice"),
        ('{"keys": [{"frame": 0}, {"frame": 3, "frame": 4}]}', "key 1: 'frame' is given twice"),
        (
            '{"keys": [{"frame": 2, "expression": {"0": 1, "0": 2}}]}',
            r"key 0 \(frame 2\): '0' is given twice",
        ),
        ('{"keys": [{"frame": 0}], "keys": []}', "act.json: 'keys' is given twice"),
        ('{"fps": 24, "fps": 25, "keys": [{"frame": 0}]}', "act.json: 'fps' is given twice"),
        (
            keys({"frame": 2, "exp_0": 1, "expression": {"0": 1}}),
            r"key 0 \(frame 2\): exp_0 is given twice",
        ),
        ('{"keys": [{"frame": NaN}]}', "key 0: frame must be a finite number, got nan"),
        ('{"keys": [{"frame": -Infinity}]}', "key 0: frame must be a finite number, got -inf"),
        (keys({"frame": "3"}), "key 0: frame must be a number, got '3'"),
        (keys({"frame": 0, "yaw": "3"}), "yaw must be a number, got '3'"),
        (keys({"frame": 0, "yaw": [[1], {"a": 2}]}), "yaw must be a number, got"),
        ('{"keys": [{"frame": 0, "yaw": ' + "[" * 400 + "]" * 400 + "}]}", "yaw must be a number"),
    ],
)
def test_bad_json_is_answered_in_one_sentence(write, small_head, content, says):
    _refused(write(content), small_head, says)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "a.csv: there are no keys"),
        ("frame,yaw\n", "no keys"),
        ("yaw\n3", "line 1: the header must have a column named frame"),
        ("frame,yaw,yaw\n0,1,2", "line 1: column 'yaw' stands there twice"),
        ("frame,jaww\n0,1", "line 1: 'jaww' is no channel: did you mean jaw"),
        ("# fps 24\nframe,yaw\n0,1\n5", "line 4: the header has 2 columns, this line 1"),
        ("frame,yaw\n0,left", "line 2: yaw must be a number, got 'left'"),
        ("frame,yaw\n,3", "line 2: frame must be a number, got ''"),
        ("frame,yaw\n0,nan", "line 2: yaw must be a finite number"),
        ("frame,yaw\n0,1\n0,2", "line 3: frame 0 has its keys in line 2"),
        ("# frames many\nframe\n0", "line 1: frames must be a number, got 'many'"),
        ("frame;yaw\n0;1", "line 1: the header must have a column named frame"),
        ("# a remark\n", "a.csv: there are no keys"),
        ("frame,yaw, yaw \n0,1,2", "line 1: column 'yaw' stands there twice"),
        ("frame,frame\n0,1", "line 1: column 'frame' stands there twice"),
        ("frame,exp_0,exp_0\n0,1,2", "line 1: column 'exp_0' stands there twice"),
        ("frame,exp_00\n0,1", "line 1: 'exp_00' is no channel"),
        ("frame,yaw\nnan,1", "line 2: frame must be a finite number, got nan"),
        ("frame,yaw\n0,1\ninf,1", "line 3: frame must be a finite number, got inf"),
        ("frame,yaw\n1e999,1", "line 2: frame must be a finite number"),
        ("frame,yaw\n0.5,1", "line 2: frame must be a whole number"),
        ("frame,yaw\n1_0,1", "line 2: frame must be a number, got '1_0'"),
        ("# fps 24\n# fps 25\nframe\n0", "line 2: fps is given already in line 1"),
        ("# frames 5\nframe\n0\n#frames: 5", "line 4: frames is given already in line 1"),
    ],
)
def test_bad_csv_is_answered_in_one_sentence(write, small_head, text, says):
    _refused(write(text, "a.csv"), small_head, says)


def test_files_that_cannot_be_read(tmp_path, small_head):
    _refused(tmp_path / "none.json", small_head, "cannot be read: No such file")
    _refused(tmp_path / "act.txt", small_head, "from .json and .csv files")
    (tmp_path / "latin.csv").write_bytes("frame,yaw\n0,\xe9".encode("latin-1"))
    _refused(tmp_path / "latin.csv", small_head, "UTF-8")


def _refused(path, head, says):
    with pytest.raises(InputError, match=says) as caught:
        read_keyframes(path, head)
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)
