"""Every kind of model file: fetched, brought in, listed, verified, chosen for a run."""
