"""A registration is computed once, kept, drawn, and computed anew when it does not fit."""

from dataclasses import replace

import torch

from magicportrait_core.flame.registration import registration_file
from magicportrait_core.flame.registration.registration import register
from magicportrait_core.flame.registration.registration_file import (
    draw_registration,
    kept_registration,
)


def same(a, b):
    return torch.equal(a.indices, b.indices) and torch.equal(a.embedding.bary, b.embedding.bary)


def test_it_is_computed_once(golden_head, tmp_path, monkeypatch):
    made = kept_registration(golden_head, tmp_path)
    files = sorted(path.suffix for path in (tmp_path / "registrations").iterdir())
    assert files == [".png", ".safetensors"]
    monkeypatch.setattr(registration_file, "register", None)
    assert same(kept_registration(golden_head, tmp_path), made)


def test_a_damaged_or_foreign_file_is_made_anew(golden_head, tmp_path):
    path = tmp_path / "registrations" / f"{golden_head.basis}.safetensors"
    path.parent.mkdir()
    path.write_bytes(b"nothing")
    made = kept_registration(golden_head, tmp_path)
    assert same(made, register(golden_head))
    told = replace(golden_head, mesh_points=(made.indices[:5], made[torch.arange(5)].embedding))
    assert len(kept_registration(told, tmp_path).indices) == 5


def test_nothing_can_be_written(golden_head, tmp_path):
    (tmp_path / "registrations").write_text("a file where the folder should be")
    assert len(kept_registration(golden_head, tmp_path).indices) > 300


def test_the_first_folder_that_can_be_written_keeps_it(golden_head, tmp_path, monkeypatch):
    locked, free, last = (tmp_path / name for name in ("locked", "free", "last"))
    locked.write_text("a file where the folder should be")
    made = kept_registration(golden_head, (locked, free, last))
    assert (free / "registrations" / f"{golden_head.basis}.safetensors").is_file()
    assert not last.exists()
    monkeypatch.setattr(registration_file, "register", None)
    assert same(kept_registration(golden_head, (last, locked, free)), made)


def test_the_picture_shows_points_on_the_face(golden_head):
    picture = draw_registration(golden_head, register(golden_head)).int()
    green = (picture[1] > picture[0] + 60) & (picture[1] > picture[2] + 60)
    assert green.sum() > 1000
    rows = green.any(1).nonzero()[:, 0]
    assert picture.shape[1] * 0.15 < rows.float().mean() < picture.shape[1] * 0.75


def test_other_landmarks_make_it_anew(golden_head, tmp_path):
    """A user who imports the right landmark file after a wrong one must see it act."""
    marks = golden_head.landmarks
    wrong = replace(marks, full=replace(marks.full, bary=marks.full.bary.roll(1, 1)))
    first = kept_registration(replace(golden_head, landmarks=wrong), tmp_path)
    assert not same(kept_registration(golden_head, tmp_path), first)
    assert same(kept_registration(golden_head, tmp_path), register(golden_head))


def test_other_mesh_points_make_it_anew(golden_head, tmp_path):
    made = register(golden_head)
    for count in (5, 7):
        some = made[torch.arange(count)]
        told = replace(golden_head, mesh_points=(some.indices, some.embedding))
        assert len(kept_registration(told, tmp_path).indices) == count
