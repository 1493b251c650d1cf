"""A windowed step equals the mean of steps on the windows' own short clips, made one by one."""

from __future__ import annotations

from host import relative, report  # isort: skip  first: it finds the host

import inspect

import comfy.cldm.cldm
import comfy.context_windows
import comfy.controlnet
import comfy.model_management
import comfy.ops
import tiny
import torch
from comfy_extras.nodes_context_windows import ContextWindowsManualNode
from pack.magicportrait_core.diffusion.context_windows import (
    WindowSettings,
    context_windows,
    window_weights,
)
from pack.nodes.unet.windows import set_windows

from nodes import ControlNetApplyAdvanced, LatentFromBatch  # noqa: F401  the host's

FRAMES = 14
SMALL = WindowSettings(6, 2)


def alone(windows, weights, conds_of, **more):
    """What the windows' clips give on their own, averaged."""
    total = torch.zeros(FRAMES, 4, 16, 8)
    count = torch.zeros(FRAMES, 1, 1, 1)
    for window in windows:
        each = torch.as_tensor(weights(len(window))).float()[:, None, None, None]
        model = tiny.model()
        total[window] += each * tiny.sample(model, window, conds_of(window), **more)
        count[window] += each
    return total / count


def whole(model, conds):
    return tiny.sample(model, range(FRAMES), conds)


def fused(window):
    return tiny.fused(window)[:2]


def controlled(window, count=None):
    """With a tiny ControlNet of the host's, and a picture for each frame."""
    positive, negative = fused(window)
    hints = HINTS[list(window)] if count is None else HINTS[:count]
    return ControlNetApplyAdvanced().apply_controlnet(
        positive, negative, CONTROL, hints, 0.8, 0.0, 1.0
    )


def control_net() -> comfy.controlnet.ControlNet:
    network = comfy.cldm.cldm.ControlNet(
        image_size=32, in_channels=4, model_channels=32, hint_channels=3,
        num_res_blocks=[2, 2, 2, 2], channel_mult=(1, 2, 2, 2), num_heads=8,
        transformer_depth=[1, 1, 1, 1, 1, 1, 0, 0], transformer_depth_middle=1,
        use_spatial_transformer=True, context_dim=32, use_linear_in_transformer=False,
        dtype=torch.float32, operations=comfy.ops.disable_weight_init,
    )  # fmt: skip
    torch.manual_seed(7)
    for parameter in network.parameters():
        spread = parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.1
        parameter.data = torch.randn(parameter.shape) * spread
    device = comfy.model_management.get_torch_device()
    return comfy.controlnet.ControlNet(network.eval(), load_device=device)


def host_windows(schedule, length, overlap, fuse, **newer):
    """newer: what later hosts ask too."""
    known = inspect.signature(ContextWindowsManualNode.execute).parameters
    newer = {name: value for name, value in ({"freenoise": False} | newer).items() if name in known}
    return ContextWindowsManualNode.execute(
        tiny.model(), length, overlap, schedule, 1, False, fuse, 0, **newer
    ).result[0]


with torch.no_grad():
    HINTS = torch.rand(FRAMES, 128, 64, 3, generator=torch.Generator().manual_seed(1))
    CONTROL = control_net()
    clip = range(FRAMES)
    ours = [list(w) for w in context_windows(FRAMES, SMALL)]

    model = tiny.model()
    set_windows(model, SMALL)
    plain = whole(model, fused(clip))
    with_control = whole(model, controlled(clip))
    one_picture = whole(model, controlled(clip, 1))

    schedules = comfy.context_windows.CONTEXT_MAPPING
    handler = comfy.context_windows.IndexListContextHandler(
        comfy.context_windows.ContextSchedule("", None), None, 6, 2
    )
    host = {}
    for schedule, fuse in (
        ("standard_static", "flat"),
        ("standard_static", "relative"),
        ("batched", "pyramid"),
        ("looped_uniform", "flat"),
    ):
        windows = schedules[schedule](FRAMES, handler, {})
        weights = comfy.context_windows.FUSE_MAPPING[fuse]
        if fuse == "relative":
            weights = lambda n: [  # noqa: E731
                max(1e-2, 1 - abs(i - (n - 1) / 2) / ((n - 1 + 1e-2) / 2)) for i in range(n)
            ]
        want = alone(windows, weights, fused)
        host[f"{schedule} {fuse}"] = relative(
            whole(host_windows(schedule, 6, 2, fuse), fused(clip)), want
        )
    free = whole(host_windows("standard_static", 6, 2, "flat", freenoise=True), fused(clip))
    report(
        free=bool(free.isfinite().all()),
        ours=relative(plain, alone(ours, lambda n: window_weights(n, "pyramid"), fused)),
        control=relative(
            with_control, alone(ours, lambda n: window_weights(n, "pyramid"), controlled)
        ),
        control_matters=relative(with_control, plain),
        pictures_matter=relative(one_picture, with_control),
        host=host,
    )
