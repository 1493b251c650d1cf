"""BlazeFace short range: where the faces of a picture are, with six key points each.

https://arxiv.org/abs/1907.05047. A plain torch twin of MediaPipe's
face_detection_short_range.tflite. It finds faces wider than about 12 % of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .layers import SeparableBlock

INPUT_SIZE = 128
MIN_SCORE = 0.5
MAX_OVERLAP = 0.5  #: boxes that overlap more than this (IoU) are one face

#: (channels, halve the resolution) of the blocks after the stem
FINE = ((24, 0), (28, 0), (32, 1), (36, 0), (42, 0), (48, 1), (56, 0), (64, 0), (72, 0))
FINE += ((80, 0), (88, 0))  # ends at 16x16
COARSE = ((96, 1), (96, 0), (96, 0), (96, 0), (96, 0))  # ends at 8x8


_FIELDS = ("boxes", "keypoints", "scores")


@dataclass(frozen=True)
class Detections:
    """The faces of one picture, best first."""

    boxes: Tensor  #: (k, 4) x0, y0, x1, y1
    keypoints: Tensor  #: (k, 6, 2) eyes (picture's left, right), nose, mouth, ears
    scores: Tensor  #: (k,) 0..1

    def where(self, keep: Tensor) -> Detections:
        """Those that a (k,) bool keeps."""
        return Detections(self.boxes[keep], self.keypoints[keep], self.scores[keep])

    @staticmethod
    def joined(parts: list[Detections]) -> Detections:
        boxes, keypoints, scores = ([getattr(p, n) for p in parts] for n in _FIELDS)
        return Detections(torch.cat(boxes), torch.cat(keypoints), torch.cat(scores))


def _blocks(c_in: int, widths: tuple[tuple[int, int], ...]) -> nn.Sequential:
    blocks = []
    for c_out, down in widths:
        blocks.append(SeparableBlock(c_in, c_out, nn.ReLU(), bool(down)))
        c_in = c_out
    return nn.Sequential(*blocks)


def _anchors() -> Tensor:
    """(896, 2) centres in 0..1: two per cell of 16x16, then six per cell of 8x8."""
    parts = []
    for n, repeats in ((16, 2), (8, 6)):
        centre = (torch.arange(n) + 0.5) / n
        y, x = torch.meshgrid(centre, centre, indexing="ij")
        parts.append(torch.stack([x, y], -1).reshape(-1, 1, 2).expand(-1, repeats, 2))
    return torch.cat([part.reshape(-1, 2) for part in parts])


class BlazeFace(nn.Module):
    """(n, 3, 128, 128) RGB in 0..1 -> one `Detections` a picture, in input pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 24, 5, 2)
        self.fine = _blocks(24, FINE)
        self.coarse = _blocks(88, COARSE)
        self.score_fine = nn.Conv2d(88, 2, 1)
        self.score_coarse = nn.Conv2d(96, 6, 1)
        self.box_fine = nn.Conv2d(88, 2 * 16, 1)
        self.box_coarse = nn.Conv2d(96, 6 * 16, 1)
        self.register_buffer("anchors", _anchors(), persistent=False)

    def raw(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Per anchor: logits (n, 896) and values (n, 896, 16) in input pixels."""
        x = F.relu(self.stem(F.pad(images * 2 - 1, (1, 2, 1, 2))))
        fine = self.fine(x)
        coarse = self.coarse(fine)

        def per_anchor(a: Tensor, b: Tensor, k: int) -> Tensor:
            flat = [t.permute(0, 2, 3, 1).reshape(t.shape[0], -1, k) for t in (a, b)]
            return torch.cat(flat, 1)

        logits = per_anchor(self.score_fine(fine), self.score_coarse(coarse), 1)[..., 0]
        return logits, per_anchor(self.box_fine(fine), self.box_coarse(coarse), 16)

    def forward(self, images: Tensor) -> list[Detections]:
        logits, values = self.raw(images)
        scores = logits.clamp(-100, 100).sigmoid()
        anchors = self.anchors * INPUT_SIZE
        found = []
        for score, value in zip(scores, values, strict=True):
            keep = score >= MIN_SCORE
            value, anchor = value[keep], anchors[keep]
            centre, half = value[:, :2] + anchor, value[:, 2:4] / 2
            points = value[:, 4:].reshape(-1, 6, 2) + anchor[:, None]
            boxes = torch.cat([centre - half, centre + half], -1)
            found.append(merge_overlapping(Detections(boxes, points, score[keep])))
        return found


def merge_overlapping(faces: Detections) -> Detections:
    """Weighted non-maximum suppression: overlapping boxes become their score-weighted mean."""
    order = faces.scores.argsort(descending=True)
    boxes, points, scores = faces.boxes[order], faces.keypoints[order], faces.scores[order]
    merged: list[tuple[Tensor, Tensor, Tensor]] = []
    while len(scores):
        same = overlap(boxes[:1], boxes)[0] > MAX_OVERLAP
        same[0] = True
        weight = scores[same] / scores[same].sum()
        box = (boxes[same] * weight[:, None]).sum(0)
        merged.append((box, (points[same] * weight[:, None, None]).sum(0), scores[0]))
        boxes, points, scores = boxes[~same], points[~same], scores[~same]
    if not merged:
        return Detections(boxes, points, scores)
    return Detections(*(torch.stack(part) for part in zip(*merged, strict=True)))


def overlap(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of boxes: (k, 4), (m, 4) xyxy -> (k, m)."""
    low = torch.maximum(a[:, None, :2], b[None, :, :2])
    high = torch.minimum(a[:, None, 2:], b[None, :, 2:])
    common = (high - low).clamp(min=0).prod(-1)
    area_a, area_b = ((box[:, 2:] - box[:, :2]).clamp(min=0).prod(-1) for box in (a, b))
    return common / (area_a[:, None] + area_b[None] - common).clamp(min=1e-9)
