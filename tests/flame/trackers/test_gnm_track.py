"""Without FLAME: a file of GNM's layout and size gives tracks and maps of real footage."""

import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from magicportrait_core.drivers import Trimming
from magicportrait_core.flame import gnm
from magicportrait_core.flame.rotations import axis_angle, to_euler
from magicportrait_core.motion.head_pipeline import MapSettings, track_head, write_maps
from magicportrait_core.tracks import load_head_track
from magicportrait_core.video import open_video
from tests.official_files import write_gnm

MATRICES = Path(__file__).with_name("driving_matrices.safetensors")  #: MediaPipe's poses
FRAMES = 48
BASIS = 40  #: identities and expressions


def gnm_of(head) -> dict[str, np.ndarray]:
    """Arrays of the official size with the golden head's looks, jaw and mouth as expressions.

    The vertices that GNM's landmarks name are corners of the faces that FLAME's lie on.
    """
    rows = json.loads(files("magicportrait_core.flame").joinpath("gnm_landmarks.json").read_text())
    named = torch.tensor([row[0::2] for row in rows["landmarks"]]).long()  # (68, 3)
    free = torch.ones(gnm.NUM_VERTICES, dtype=torch.bool)
    free[named] = False
    place = free.nonzero()[: head.num_vertices, 0]  # of the head's own vertices
    like = torch.zeros(gnm.NUM_VERTICES, dtype=torch.long)
    like[place] = torch.arange(head.num_vertices)
    like[named] = head.faces[head.landmarks.full.faces]
    triangles = torch.cat([place[head.faces], named])
    joints, skinning = [0, 1, 3, 4], head.skinning[:, like]
    uvs = head.uvs[torch.cat([head.uv_faces, head.uv_faces[head.landmarks.full.faces]])]
    basis = {
        "vertex_identity_basis": head.shape_basis[:BASIS, :, like].transpose(1, 2),
        "joint_identity_basis": head.joint_shape_basis[:BASIS][:, joints],
        "expression_basis": head.expression_basis[:BASIS, :, like].transpose(1, 2),
    }
    skin = (skinning[3:].sum(0) < 0.5).float()
    return {name: tensor.numpy() for name, tensor in basis.items()} | {
        "template_vertex_positions": head.template[:, like].T.numpy(),
        "template_joint_positions": head.joints[joints].numpy(),
        "joint_names": np.array(["neck", "head", "left_eye", "right_eye"]),
        "joint_parent_indices": np.array([0, 0, 1, 1], np.int32),
        "skinning_weights": torch.stack(
            [skinning[0], skinning[1] + skinning[2], skinning[3], skinning[4]]
        ).numpy(),
        "triangles": triangles.numpy().astype(np.int32),
        "triangle_uvs": uvs.numpy(),
        "pose_correctives_regressor": np.zeros((36, 3 * gnm.NUM_VERTICES), np.float32),
        "vertex_groups": skin[None].numpy(),
        "vertex_group_names": np.array(["skin"]),
    }


@pytest.fixture
def models(golden_head, tmp_path):
    """A models folder into which the file was dropped."""
    folder = tmp_path / "models" / "flame"
    folder.mkdir(parents=True)
    write_gnm(folder / "gnm_head.npz", gnm_of(golden_head))
    return tmp_path / "models"


@pytest.mark.filterwarnings("error::magicportrait_core.errors.MagicPortraitWarning")
def test_footage_is_tracked_and_mapped(models, shared_media, tmp_path):
    driving, part = shared_media / "driving.mp4", Trimming(max_frames=FRAMES)
    made = track_head(
        driving, tmp_path / "t.safetensors", tracker="landmark_fit", trim=part, models=models
    )
    assert (made.head, made.frames) == ("gnm_head", FRAMES)
    track = load_head_track(tmp_path / "t.safetensors")
    theirs = load_file(MATRICES)["matrices"][:FRAMES, :3, :3]
    theirs = theirs / theirs.norm(dim=1, keepdim=True)
    yaws = [to_euler(turn)[0] for turn in (track.params.global_pose, axis_angle(theirs))]
    assert float(torch.corrcoef(torch.stack(yaws))[0, 1]) >= 0.95  # .976; .996 over the clip
    assert track.params.expression.abs().max() > 0.1
    film = write_maps(
        tmp_path / "t.safetensors", shared_media / "boy_cropped.jpg", tmp_path / "m.mp4",
        models=models, look=MapSettings(size=256),
    )  # fmt: skip
    assert (film.head, film.frames) == ("gnm_head", FRAMES)
    shown = next(iter(open_video(tmp_path / "m.mp4"))).image
    depth = shown[:, 20:, : shown.shape[2] // 3].float()
    assert 0.2 < float((depth > 40).float().mean()) < 0.9
