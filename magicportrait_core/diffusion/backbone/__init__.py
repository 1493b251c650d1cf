"""What the denoising and the reference UNet are built of: levels, transformers, skips."""
