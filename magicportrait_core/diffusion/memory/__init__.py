"""How much memory there is, what fits into it, and what to say where it does not."""
