"""Rows of frames lie where they should."""

import torch

from magicportrait_core.looking.contact_sheet import CELL, Row, write_contact_sheet
from magicportrait_core.video import open_image


def test_frames_are_in_rows(tmp_path):
    red, blue = (torch.zeros(3, 90, 90, dtype=torch.uint8) for _ in range(2))
    red[0], blue[2] = 200, 200
    rows = [Row("driver", [red, red, red]), Row("output", [blue, blue, blue])]
    write_contact_sheet(tmp_path / "sheet.png", rows, "Title", "note")
    sheet = open_image(tmp_path / "sheet.png")
    for channel in (0, 2):
        mask = (sheet[channel] == 200) & (sheet[1] == 0)
        assert int(mask.sum()) == 3 * CELL * CELL
    top = {c: int(((sheet[c] == 200) & (sheet[1] == 0)).nonzero()[0, 0]) for c in (0, 2)}
    assert top[0] + CELL < top[2]
