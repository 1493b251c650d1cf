"""The diffusion stage: a portrait's latent, maps and noise to the latents of a clip.

Letters in shapes: b batch, n frames of a window, t frames of a clip, c channels, h and w rows and
columns of whatever level of a network, s tokens. A batch holds chunks one after another; a chunk
is the n frames of one window in one half of classifier-free guidance, so b = chunks * n.

Modules carry diffusers' names, so that its checkpoints load as they are.
"""
