"""The denoising UNet as the host's MODEL, with all that its samplers and patches ask of it."""
