import torch

from magicportrait_core.flame.trackers.smirk import split_expression


def test_faces_stay_where_a_face_can_be():
    parameters = torch.zeros(2, 55)
    parameters[:, :50] = torch.arange(50.0)
    parameters[0, 50:] = torch.tensor([1.5, -0.2, -0.3, 0.5, -0.5])
    parameters[1, 50:] = torch.tensor([0.25, 0.75, 0.9, 0.1, -0.1])
    face = split_expression(parameters)
    assert face.expression[0].tolist() == list(range(50))
    torch.testing.assert_close(face.eyelids, torch.tensor([[1.0, 0.0], [0.25, 0.75]]))
    torch.testing.assert_close(face.jaw, torch.tensor([[0.0, 0.2, -0.2], [0.9, 0.1, -0.1]]))
