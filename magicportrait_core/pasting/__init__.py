"""The moving face put back where it was cut out."""
