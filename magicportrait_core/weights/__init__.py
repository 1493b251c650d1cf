"""Weights: which files there are, where they lie, and how a foreign one is read safely."""
