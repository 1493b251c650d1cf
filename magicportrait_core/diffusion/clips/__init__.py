"""Clips of any length through networks that see a few frames at a time."""
