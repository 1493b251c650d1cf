"""The host's pictures, video and sound as the core's, and the other way round."""
