"""Hand-made motion: key frames from a file, as curves of their own or over a tracked motion."""
