"""Faces in pictures and clips: detection, the 478-point mesh, tracks."""
