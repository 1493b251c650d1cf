"""The networks and crops alone against MediaPipe 0.10.21.

mediapipe_static.safetensors holds the landmarks (px) that
``FaceMesh(static_image_mode=True, refine_landmarks=True, max_num_faces=1)`` gives for every 11th
frame of driving.mp4 and for boy_cropped.jpg: ``[(p.x * w, p.y * h, p.z * w) for p in landmark]``.
"""

from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from magicportrait_core.faces import crop, detector, mesh
from magicportrait_core.faces.detector import Detections


def one_pass(images, networks):
    """Detector, crop, mesh: (t, 478, 3) px of the best face, as MediaPipe's static mode does it."""
    square = crop.whole(*images[0].shape[1:])[0]
    scale = float(square[2]) / detector.INPUT_SIZE
    inputs = [crop.sample_crop(image, square, detector.INPUT_SIZE, "zeros") for image in images]
    faces = networks.detector(torch.stack(inputs))
    crops = [
        crop.crops_from_detections(Detections(f.boxes * scale, f.keypoints * scale, f.scores))[0]
        for f in faces
    ]
    patches = [crop.sample_crop(i, c, mesh.INPUT_SIZE) for i, c in zip(images, crops, strict=True)]
    points, _ = networks.mesh(torch.stack(patches))
    return crop.points_to_picture(points, torch.stack(crops), mesh.INPUT_SIZE)


@pytest.fixture(scope="module")
def expected():
    return load_file(Path(__file__).parent / "mediapipe_static.safetensors")


def test_driver_agrees_with_mediapipe(shared_media, networks, expected):
    wanted = set(expected["frames"].tolist())
    with av.open(str(shared_media / "driving.mp4")) as container:
        pictures = [
            torch.from_numpy(frame.to_ndarray(format="rgb24")).permute(2, 0, 1)
            for i, frame in enumerate(container.decode(video=0))
            if i in wanted
        ]
    with torch.inference_mode():
        error = one_pass(pictures, networks) - expected["landmarks"]
    apart = error[..., :2].norm(dim=-1)
    assert apart.mean() < 0.1
    assert apart.max() < 1.0
    assert error[..., 2].abs().mean() < 0.1


def test_drawing_agrees_with_mediapipe(shared_media, networks, expected):
    picture = np.array(Image.open(shared_media / "boy_cropped.jpg").convert("RGB"))
    with torch.inference_mode():
        points = one_pass([torch.from_numpy(picture).permute(2, 0, 1)], networks)[0]
    apart = (points - expected["boy_cropped"])[:, :2].norm(dim=-1)
    assert apart.mean() < 0.1
    assert apart.max() < 1.0


def test_a_batch_is_its_pictures_one_by_one(networks):
    crops = torch.rand(3, 3, 192, 192, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        points, presence = networks.mesh(crops)
        alone = [networks.mesh(c[None]) for c in crops]
    assert points.shape == (3, 478, 3)
    torch.testing.assert_close(points, torch.cat([p for p, _ in alone]), atol=1e-3, rtol=0)
    torch.testing.assert_close(presence, torch.cat([f for _, f in alone]), atol=1e-3, rtol=0)
