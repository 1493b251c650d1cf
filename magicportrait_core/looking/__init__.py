"""Pictures for people: curves, meshes over frames, single frames, sheets of them."""
