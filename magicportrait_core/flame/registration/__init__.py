"""Which point of the face mesh is which point of a head model, and the file that keeps it."""
