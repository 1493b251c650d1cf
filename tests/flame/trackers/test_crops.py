import math

import pytest
import torch

from magicportrait_core.errors import InputError
from magicportrait_core.flame.trackers.crops import (
    bounds,
    crop_boxes,
    crop_matrices,
    cut_crop,
    deca_boxes,
    deca_input,
    face_boxes,
    smirk_boxes,
    smirk_input,
)
from magicportrait_core.topology import to_ibug68


def picture(height: int, width: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (3, height, width), dtype=torch.uint8, generator=generator)


def cut_plain(image: torch.Tensor, matrix: torch.Tensor, size: int) -> torch.Tensor:
    """The slow twin of `cut_crop` where it takes one sample: pixel by pixel."""
    out = torch.zeros(3, size, size, dtype=torch.float64)
    back = torch.linalg.inv(matrix.double())
    for row in range(size):
        for column in range(size):
            x, y, _ = (back @ torch.tensor([column, row, 1.0], dtype=torch.float64)).tolist()
            left, top = math.floor(x), math.floor(y)
            for i, wide in ((left, left + 1 - x), (left + 1, x - left)):
                for j, high in ((top, top + 1 - y), (top + 1, y - top)):
                    if 0 <= i < image.shape[2] and 0 <= j < image.shape[1]:
                        out[:, row, column] += wide * high * image[:, j, i].double()
    return out


def test_boxes_of_faces():
    edges = torch.tensor([[10.0, 200.0, 30.0, 280.0]])
    assert face_boxes(edges).tolist() == [[105.0, 155.0, 220.0]]
    torch.testing.assert_close(face_boxes(edges, "kpt68"), torch.tensor([[105.0, 155, 242]]))
    torch.testing.assert_close(face_boxes(edges, "bbox"), torch.tensor([[105.0, 181.4, 220]]))
    with pytest.raises(InputError, match="kind must be one of kpt68, bbox"):
        face_boxes(edges, "mtcnn")


def test_sides_are_cut_to_whole_px_unless_smooth():
    faces = torch.tensor([[5.0, 6.0, 100.7]])
    assert crop_boxes(faces, 1.3).tolist() == [[5.0, 6.0, 130.0]]
    torch.testing.assert_close(crop_boxes(faces, 1.3, whole_px=False)[0, 2], torch.tensor(130.91))


def test_the_boxs_corners_become_the_crops_corner_pixels():
    matrix = crop_matrices(torch.tensor([[100.0, 60.0, 50.0]]))[0]
    corners = torch.tensor([[75.0, 35, 1], [125, 35, 1], [75, 85, 1]])
    expected = torch.tensor([[0.0, 0, 1], [223, 0, 1], [0, 223, 1]])
    torch.testing.assert_close(corners @ matrix.T, expected, atol=1e-4, rtol=0)


def test_the_similarity_is_scikit_images():
    transform = pytest.importorskip("skimage.transform", reason="scikit-image is not installed")
    import numpy as np

    x, y, side = 261.3, 149.8, 344.0
    source = np.array([[-1, -1], [-1, 1], [1, -1]]) * side / 2 + [x, y]
    target = np.array([[0, 0], [0, 223], [223, 0]])
    theirs = transform.estimate_transform("similarity", source, target).params
    ours = crop_matrices(torch.tensor([[x, y, side]], dtype=torch.float64))[0]
    torch.testing.assert_close(ours, torch.from_numpy(theirs), atol=1e-10, rtol=0)


def test_deca_looks_at_68_points_and_smirk_at_all():
    landmarks = torch.rand(2, 478, 3, generator=torch.Generator().manual_seed(0)) * 300
    left, right, top, bottom = bounds(to_ibug68(landmarks))[1].tolist()
    side = int((right - left + bottom - top) / 2 * 1.1 * 1.3)
    expected = [(left + right) / 2, (top + bottom) / 2, side]
    assert deca_boxes(landmarks)[1].tolist() == pytest.approx(expected, abs=1e-4)
    x, y = landmarks[1, :, 0], landmarks[1, :, 1]
    side = int(float(x.max() - x.min() + y.max() - y.min()) / 2 * 1.4)
    expected = [float(x.max() + x.min()) / 2, float(y.max() + y.min()) / 2, side]
    assert smirk_boxes(landmarks)[1].tolist() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("box", [(20.2, 15.7, 19.3), (3.0, 28.0, 30.0), (20.0, 20.0, 8.0)])
def test_one_sample_a_pixel_equals_the_plain_twin(box):
    image, size = picture(31, 43), 24
    x, y, side = box
    scale = (size - 1) / side
    matrix = torch.tensor(
        [[scale, 0, scale * (side / 2 - x)], [0, scale, scale * (side / 2 - y)], [0, 0, 1]]
    )
    expected = cut_plain(image, matrix, size).float()
    torch.testing.assert_close(cut_crop(image, matrix, size), expected, atol=2e-3, rtol=0)


def test_a_turned_crop_equals_the_plain_twin():
    image = picture(40, 40)
    matrix = torch.tensor([[0.9, 0.4, -8.0], [-0.4, 0.9, 6.0], [0, 0, 1]])
    expected = cut_plain(image, matrix, 20).float()
    torch.testing.assert_close(cut_crop(image, matrix, 20), expected, atol=2e-3, rtol=0)


def test_outside_the_picture_is_black():
    white = torch.full((3, 20, 20), 255, dtype=torch.uint8)
    matrix = torch.tensor([[1.0, 0, 10], [0, 1, 0], [0, 0, 1]])  # the crop begins 10 px left of it
    crop = cut_crop(white, matrix, 20)
    assert crop[:, :, :10].abs().max() == 0
    torch.testing.assert_close(crop[:, :, 10:], torch.full((3, 20, 10), 255.0))
    away = torch.tensor([[1.0, 0, 500], [0, 1, 500], [0, 0, 1]])
    assert cut_crop(white, away, 8).abs().max() == 0


@pytest.mark.parametrize("ratio", [3.1, 6.4, 9.0])
def test_a_much_finer_picture_is_averaged(ratio):
    noise = picture(400, 400)
    matrix = torch.tensor([[1 / ratio, 0, -3.0], [0, 1 / ratio, -2.5], [0, 0, 1]])
    size = int(400 / ratio) - 5
    crop = cut_crop(noise, matrix, size)
    # one sample of the noise has a standard deviation of 49 (bilinear) to 74 (nearest)
    assert crop.std() < 74 / (ratio / 1.5 - 1)
    y, x = torch.meshgrid(torch.arange(400.0), torch.arange(400.0), indexing="ij")
    ramp = torch.stack([x / 2, y / 2, (x + y) / 4])
    back = torch.linalg.inv(matrix)
    expected = back[0, 0] * torch.arange(float(size)) + back[0, 2]
    torch.testing.assert_close(cut_crop(ramp, matrix, size)[0, 5], expected / 2, atol=0.01, rtol=0)


def test_averaging_darkens_no_edge_inside_the_picture():
    white = torch.full((3, 301, 303), 255, dtype=torch.uint8)
    matrix = torch.tensor([[0.2, 0, -4.0], [0, 0.2, -4.0], [0, 0, 1]])
    torch.testing.assert_close(cut_crop(white, matrix, 50), torch.full((3, 50, 50), 255.0))


def test_smirk_sees_whole_levels_cut_down():
    matrix = torch.tensor([[1.0, 0, 0.5], [0, 1, 0], [0, 0, 1]])  # half way between pixels
    ramp = torch.arange(300, dtype=torch.uint8).repeat(3, 300, 1)[:, :, :230]
    levels = smirk_input(ramp, matrix)[0, 0, 1:224] * 255
    torch.testing.assert_close(levels, torch.arange(223.0))
    exact = deca_input(ramp, matrix)[0, 0, 1:224] * 255
    torch.testing.assert_close(exact, torch.arange(223) + 0.5, atol=2e-3, rtol=0)


@pytest.mark.parametrize("level", [0, 1, 77, 200, 255])
def test_a_flat_picture_keeps_its_level(level):
    flat = torch.full((3, 300, 300), level, dtype=torch.uint8)
    matrix = crop_matrices(torch.tensor([[150.3, 149.2, 190.7]]))[0]
    assert (smirk_input(flat, matrix) * 255).round().unique().tolist() == [level]
