"""Pictures for people: curves, meshes over frames, maps side by side."""
