"""Fit a head model to landmarks by damped Gauss-Newton; no learned regressor."""
