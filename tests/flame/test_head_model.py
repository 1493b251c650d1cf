"""A head model as one thing: what moves with it."""

from dataclasses import replace

import torch

from magicportrait_core.flame.head_model import Embedding


def test_all_of_a_head_moves(small_head):
    full = small_head.landmarks.full
    at = Embedding(full.faces, full.bary)
    head = replace(small_head, mesh_points=(torch.arange(len(full.faces)), at)).to("meta")
    marks, (indices, points) = head.landmarks, head.mesh_points
    parts = [head.template, head.faces, indices, points.faces, points.bary]
    for part in (marks.static, marks.contour, marks.full):
        parts += [part.faces, part.bary]
    assert all(part.device.type == "meta" for part in parts)
