"""The face mesh lies on a head where its landmarks say, lips on their own side."""

from dataclasses import replace

import pytest
import torch

from magicportrait_core.errors import InputError
from magicportrait_core.flame.head_model import Embedding
from magicportrait_core.flame.landmarks import points_on_faces
from magicportrait_core.flame.registration.registration import FEATURES, register, skin_faces
from magicportrait_core.topology import FACE_OVAL, canonical_face, to_ibug68


@pytest.fixture(scope="module")
def laid(golden_head):
    return register(golden_head)


def test_landmarks_that_both_name_meet(golden_head, laid):
    """Eye corners, nose and mouth corners of the mesh lie near the head's own."""
    at = torch.full((478, 3), float("nan"))
    template = golden_head.template.T[None]
    at[laid.indices] = points_on_faces(template, golden_head.faces, laid.embedding)[0]
    marks = points_on_faces(template, golden_head.faces, golden_head.landmarks.full)[0]
    away = (to_ibug68(at[None])[0] - marks)[:, :2].norm(dim=1)
    named = [point for point in (30, 33, 36, 39, 42, 45, 48, 54) if away[point].isfinite()]
    assert len(named) >= 5  # steep ones are left out
    assert (away[named] < 0.004).all()


def test_left_stays_left(golden_head, laid):
    """A point on the picture's right of the canonical face is on the subject's left of the head."""
    at = points_on_faces(golden_head.template.T[None], golden_head.faces, laid.embedding)[0]
    face = canonical_face()[laid.indices]
    aside = face[:, 0].abs() > 0.1
    assert (face[aside, 0].sign() == at[aside, 0].sign()).all()


def test_what_is_left_out(golden_head, laid):
    assert not torch.isin(laid.indices, torch.tensor(FACE_OVAL)).any()
    assert (laid.indices < 468).all()
    assert len(laid.indices) > 300
    skin = torch.zeros(len(golden_head.faces), dtype=torch.bool)
    skin[skin_faces(golden_head)] = True
    assert skin[laid.embedding.faces].all()
    assert (golden_head.faces[skin] < 3931).all()  # no eyeball
    assert torch.isfinite(laid.residual).all()
    assert (laid.embedding.bary >= 0).all()
    torch.testing.assert_close(laid.embedding.bary.sum(1), torch.ones(len(laid.indices)))


def test_lips_lie_on_their_own_side(golden_head, laid):
    """Where lips touch, a point of the lower lip follows the jaw more than one of the upper."""
    share = golden_head.skinning[golden_head.roles.index("jaw")]
    carried = (share[golden_head.faces[laid.embedding.faces]] * laid.embedding.bary).sum(1)
    at = dict(zip(laid.indices.tolist(), carried.tolist(), strict=True))
    assert at[14] > at[13]
    assert at[87] > at[82]
    assert at[317] > at[312]


def test_thinned_keeps_features(laid):
    thin = laid.thinned(256)
    assert len(thin.indices) == 256
    wanted = set(FEATURES) & set(laid.indices.tolist())
    assert wanted <= set(thin.indices.tolist())
    assert torch.equal(thin.indices, thin.indices.sort().values)
    assert laid.thinned(10_000) is laid


def test_the_makers_word_is_taken(golden_head):
    embedding = Embedding(torch.tensor([5, 9]), torch.tensor([[1.0, 0, 0], [0, 1, 0]]))
    head = replace(golden_head, mesh_points=(torch.tensor([33, 263]), embedding))
    laid = register(head)
    assert laid.indices.tolist() == [33, 263]
    assert laid.embedding is embedding
    assert laid.skull[0] > 0


def test_a_head_without_landmarks_says_what_to_import(golden_head):
    with pytest.raises(InputError, match=r"landmark_embedding\.npy"):
        register(replace(golden_head, landmarks=None))


def test_gnm_of_another_mesh_is_not_sent_for_flames_points(golden_head):
    with pytest.raises(InputError, match=r"take gnm_head\.npz from https://hugg") as told:
        register(replace(golden_head, family="gnm", landmarks=None))
    assert "embedding" not in str(told.value)
