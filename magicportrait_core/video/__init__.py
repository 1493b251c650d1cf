"""Video, picture and sound files: read lazily, written beside and renamed."""
