"""Self-Attention Guidance on the MODEL: on a clip of one window, and of several."""

from __future__ import annotations

from host import relative, report  # isort: skip  first: it finds the host

from types import SimpleNamespace

import comfy.sample
import tiny
import torch
from comfy_extras.nodes_sag import SelfAttentionGuidance
from pack.magicportrait_core.diffusion.context_windows import WindowSettings
from pack.nodes.unet.sampling import plan_run
from pack.nodes.unet.windows import set_windows
from torch.nn.functional import interpolate

FRAMES, WINDOW = 8, 4
ROWS, COLUMNS = 32, 16  #: of latents: of the goldens' the middle block sees two tokens, too few


def random(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def larger(images: torch.Tensor) -> torch.Tensor:  # (t, h, w, 3) -> (t, 2h, 2w, 3)
    return interpolate(images.movedim(-1, 1), scale_factor=2).movedim(1, -1)


def fused(frames: range) -> tuple:
    """positive, negative."""
    latent = random(1, 4, ROWS, COLUMNS, seed=1)
    given = {kind: larger(images) for kind, images in tiny.pictures(frames).items()}
    given["portrait_crop"] = larger(tiny.INPUTS["ref_image_u8"][None] / 255)
    vae = SimpleNamespace(encode=lambda images: latent)
    return tiny.fused(frames, vae=vae, **given)[:2]


def run(frames: range, scale: float | None, sigma: float = 2.0, shared: int = 0) -> torch.Tensor:
    """Two steps on the frames. scale: None: without guidance."""
    model = tiny.model()
    set_windows(model, WindowSettings(WINDOW, shared))
    if scale is not None:
        model = SelfAttentionGuidance.execute(model, scale, sigma).result[0]
    noise = random(FRAMES, 4, ROWS, COLUMNS, seed=2)[list(frames)]
    plan = plan_run(model, "magicportrait_ddim", "simple", 2, 1.0)
    return comfy.sample.sample_custom(
        model, noise, 3.5, plan.sampler, plan.sigmas, *fused(frames),
        torch.zeros_like(noise), disable_pbar=True, seed=1,
    )  # fmt: skip


with torch.no_grad():
    one, other = range(WINDOW), range(WINDOW, FRAMES)
    alone = torch.cat([run(one, 0.75), run(other, 0.75)])
    windowed = run(range(FRAMES), 0.75)
    plain = run(range(FRAMES), None)
    shared = run(range(FRAMES), 0.75, shared=2)
    report(
        off=relative(run(range(FRAMES), 0.0), plain),
        matters=relative(windowed, plain),
        windows=relative(windowed, alone),
        shared=relative(shared, run(range(FRAMES), None, shared=2)),
        finite=bool(shared.isfinite().all()),
    )
