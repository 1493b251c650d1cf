"""The drawing lies on the face and nowhere else."""

from magicportrait_core.faces.overlay import draw_track
from magicportrait_core.faces.tracker import track_image


def test_the_mesh_is_drawn_over_the_face_only(networks, portrait):
    track = track_image(portrait, networks)
    drawn = draw_track(portrait, track.landmarks[0])
    assert drawn.shape == portrait.shape
    assert drawn.dtype == portrait.dtype
    changed = (drawn != portrait).any(0).nonzero()
    x0, y0, x1, y1 = track.boxes[0].tolist()
    assert changed[:, 1].min() >= x0 - 3
    assert changed[:, 1].max() <= x1 + 3
    assert changed[:, 0].min() >= y0 - 3
    assert changed[:, 0].max() <= y1 + 3
    lost = draw_track(portrait, track.landmarks[0], valid=False)
    assert (lost != drawn).any()
