"""The filters: noise goes, motion stays where and as deep as it was."""

import torch

from magicportrait_core.faces.smoothing import runs, smooth_crops, smooth_landmarks


def still_face(t):
    """(t, 478, 3): random points 100 px wide, the same in each frame."""
    points = torch.rand(478, 3, generator=torch.Generator().manual_seed(0)) * 100
    points[468, :2], points[473, :2] = torch.tensor([20.0, 50]), torch.tensor([80.0, 50])
    return points.expand(t, 478, 3).clone()


def test_noise_on_a_still_face_shrinks_and_nothing_changes_at_strength_0():
    face = still_face(60)
    noisy = face + 0.15 * torch.randn(face.shape, generator=torch.Generator().manual_seed(1))
    assert torch.equal(smooth_landmarks(noisy, 25, 0), noisy)
    weak, strong = smooth_landmarks(noisy, 25, 0.5), smooth_landmarks(noisy, 25, 1)
    assert (weak - face).std() < 0.6 * (noisy - face).std()
    assert (strong - face).std() < (weak - face).std()


def test_a_blink_keeps_its_depth_and_its_frame():
    face = still_face(40)
    lid = [159, 158, 160, 157, 161]
    depth = torch.tensor([0.5, 1.0, 0.5]) * 8
    face[19:22, lid, 1] += depth[:, None]
    smooth = smooth_landmarks(face, 25, 0.5)
    moved = (smooth - still_face(40))[:, 159, 1]
    assert moved.argmax() == 20
    assert moved[20] > 0.95 * 8


def test_a_steady_turn_has_no_lag():
    face = still_face(50)
    face[..., 0] += torch.arange(50.0)[:, None] * 0.2
    smooth = smooth_landmarks(face, 25, 1)
    assert (smooth - face)[15:35].abs().max() < 1e-3


def test_crops_are_split_at_cuts_and_calmed():
    generator = torch.Generator().manual_seed(2)
    crops = torch.tensor([100.0, 100, 80, 0]).repeat(40, 1)
    crops[20:, 0] += 200
    noisy = crops + torch.randn(40, 4, generator=generator) * torch.tensor([0.5, 0.5, 1, 0.004])
    parts = runs(noisy)
    assert [(p.start, p.stop) for p in parts] == [(0, 20), (20, 40)]
    for part in parts:
        calm = smooth_crops(noisy[part], 25)
        assert ((calm - crops[part]).std(0) < 0.6 * (noisy - crops)[part].std(0)).all()
