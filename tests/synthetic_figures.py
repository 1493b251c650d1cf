"""How near a head fitted to `synthetic_truth`'s landmarks comes to the truth.

`python -m tests.synthetic_figures [GOLDENS/geometry] [--seeds N]` prints the figures of N scenes.

What is compared, and why so:
- The camera is given as weak perspective, so vertices are compared as weak perspective shows them,
  in px of the 512 px picture, each frame moved, turned and scaled onto the truth.
- An identity is known only up to what turning the head does as well. So the turn of a face is
  measured from its own neutral shape, and one turn, constant over the clip, is taken out.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch
from torch import Tensor

from magicportrait_core.flame.landmarks import points_on_faces
from magicportrait_core.flame.lbs import rotation_matrix
from magicportrait_core.flame.projection import crop_to_picture, project
from magicportrait_core.flame.registration.registration import Registration
from magicportrait_core.flame.rotations import axis_angle
from magicportrait_core.flame.trackers import LandmarkFit
from magicportrait_core.threads import one_thread
from magicportrait_core.types import HeadTrack
from tests.golden_head import golden_head
from tests.synthetic_truth import BROWS, CORNERS, EYES, LIPS, PX_PER_METRE, SIDE, Scene, act


def fit(scene: Scene) -> HeadTrack:
    """The head of the scene's landmarks, knowing which point is where."""
    indices, embedding = scene.points
    none = torch.zeros(len(indices))
    return LandmarkFit(scene.head, registration=Registration(indices, embedding, none, none)).fit(
        scene.track
    )


def figures(scene: Scene, track: HeadTrack) -> dict[str, float]:
    """How far off the track is.

    overlay_px as the track is drawn, nothing aligned; vertices_px; turn_degrees, the mean over
    frames of the whole angle; correlations of openings.
    """
    head, params = scene.head, track.params
    shaped = head.shaped(params.shape)
    vertices = shaped.vertices(params)
    inner, (height, width) = scene.inner, track.frame_size
    screen = crop_to_picture(
        project(vertices, track.camera), track.crop_from_frame, height, width, "exact"
    )
    shown = screen[:, inner, :2] * (SIDE / 2)
    align = scene.as_seen @ rotation_matrix(scene.params.global_pose).mT
    true = (scene.vertices @ align.mT)[:, inner]
    wanted = true[..., :2] * torch.tensor([1.0, -1.0]) * PX_PER_METRE
    off = similarity(shown, wanted) - wanted

    middle = SIDE / 2 - 0.5
    laid = (shown + middle - scene.seen[:, inner])[track.valid]

    turn_true = procrustes(scene.neutral[None, inner], true)
    turn_found = procrustes(shaped.template.T[None, inner], vertices[:, inner])
    error = turn_true.mT @ turn_found
    u, _, vh = torch.linalg.svd(error.mean(0))
    angle = torch.rad2deg(axis_angle(error @ (u @ vh).T)).norm(dim=1)

    marks = [
        points_on_faces(v, head.faces, head.landmarks.full) for v in (scene.vertices, vertices)
    ]

    def gap(pair: tuple[int, int]) -> float:
        a, b = ((m[:, pair[0]] - m[:, pair[1]]).norm(dim=-1) for m in marks)
        return correlation(a, b)

    lids = (scene.params.eyelids, params.eyelids)
    return {
        "overlay_px": float(laid.square().sum(-1).mean().sqrt()),
        "vertices_px": float(off.square().sum(-1).mean().sqrt()),
        "turn_degrees": float(angle.mean()),
        "lip_gap": gap(LIPS),
        "mouth_width": gap(CORNERS),
        "brow_height": min(gap(pair) for pair in BROWS),
        "jaw": correlation(scene.params.jaw_pose[:, 0], params.jaw_pose[:, 0]),
        "blinks": min(correlation(lids[0][:, i], lids[1][:, i]) for i in (0, 1)),
        "eye_gap": min(gap(pair) for pair in EYES),
    }


def similarity(source: Tensor, target: Tensor) -> Tensor:
    """source (t, m, 2) moved, turned and scaled onto target, each frame by least squares."""
    a, b = source - source.mean(1, keepdim=True), target - target.mean(1, keepdim=True)
    za, zb = torch.view_as_complex(a.contiguous()), torch.view_as_complex(b.contiguous())
    factor = (za.conj() * zb).sum(1) / za.abs().square().sum(1)
    return torch.view_as_real(za * factor[:, None]) + target.mean(1, keepdim=True)


def procrustes(source: Tensor, target: Tensor) -> Tensor:
    """The rotations (t, 3, 3) that bring source (1, m, 3) nearest to each target (t, m, 3)."""
    a, b = source - source.mean(1, keepdim=True), target - target.mean(1, keepdim=True)
    u, _, vh = torch.linalg.svd(b.mT @ a.expand_as(b))
    sign = torch.ones(len(b), 3)
    sign[:, 2] = torch.linalg.det(u @ vh).sign()
    return u @ torch.diag_embed(sign) @ vh


def correlation(a: Tensor, b: Tensor) -> float:
    return float(torch.corrcoef(torch.stack([a, b]))[0, 1])


def main() -> None:
    beside = Path(__file__).resolve().parents[2] / "shared" / "goldens" / "geometry"
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("goldens", nargs="?", type=Path, default=beside)
    parser.add_argument("--seeds", type=int, default=6)
    options = parser.parse_args()
    head, found = golden_head(options.goldens), []
    for seed in range(options.seeds):
        scene = act(head, seed)
        with one_thread():
            start = time.process_time()
            track = fit(scene)
            seconds = time.process_time() - start
        found.append(figures(scene, track) | {"frames_per_cpu_s": len(track) / seconds})
    for seed, row in enumerate(found):
        print(json.dumps({"seed": seed} | {k: round(v, 3) for k, v in row.items()}))
    mean = {k: round(sum(row[k] for row in found) / len(found), 3) for k in found[0]}
    print(json.dumps({"seed": "mean"} | mean))


if __name__ == "__main__":
    main()
