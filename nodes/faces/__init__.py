"""The driver's and the portrait's face as the host gives it, and the networks that find it."""
