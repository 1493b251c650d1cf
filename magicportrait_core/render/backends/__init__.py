"""The rasterisers, one a file; all of them obey `render.rasterizer`."""
