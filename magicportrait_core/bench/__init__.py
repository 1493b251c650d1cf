"""What `magicportrait bench` times."""
