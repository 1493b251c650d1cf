"""Rows of frames under each other in one picture, to compare clips at a glance."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ..video import write_image

CELL = 224  #: px a side of a frame
_GAP, _MARGIN, _HEAD, _LABEL = 6, 24, 64, 30
_PAPER, _INK, _FAINT = (22, 24, 29), (238, 240, 243), (150, 156, 167)


@dataclass(frozen=True)
class Row:
    """One clip's frames with its name."""

    label: str
    frames: list[Tensor]  #: (3, s, s) uint8 each


def write_contact_sheet(path: str | Path, rows: list[Row], title: str, note: str = "") -> None:
    """Write the rows, all of one length, under a title with a quieter note beside it."""
    columns = max(len(row.frames) for row in rows)
    width = 2 * _MARGIN + columns * (CELL + _GAP) - _GAP
    height = _HEAD + len(rows) * (_LABEL + CELL) + _MARGIN
    sheet = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    big, small = ImageFont.load_default(24), ImageFont.load_default(17)
    draw.text((_MARGIN, _HEAD / 2 + 4), title, _INK, big, anchor="lm")
    right = _MARGIN + draw.textlength(title, big) + 20
    draw.text((right, _HEAD / 2 + 7), note, _FAINT, small, anchor="lm")
    for number, row in enumerate(rows):
        top = _HEAD + number * (_LABEL + CELL)
        draw.text((_MARGIN, top + _LABEL / 2), row.label, _FAINT, small, anchor="lm")
        for column, frame in enumerate(row.frames):
            place = (_MARGIN + column * (CELL + _GAP), top + _LABEL)
            sheet.paste(_cell(frame), place)
    write_image(path, torch.from_numpy(np.array(sheet)).permute(2, 0, 1))


def _cell(frame: Tensor) -> Image.Image:
    sized = F.interpolate(frame[None].float(), (CELL, CELL), mode="bicubic", antialias=True)[0]
    pixels = sized.round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0)
    return Image.fromarray(pixels.contiguous().numpy())
