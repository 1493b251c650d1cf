"""Windows of the clip for the host's samplers: which frames are denoised together.

The host's own handler fails on frames that are the batch, and shows every window the first
frames' masks and control pictures. This one keeps the core's windows, or those of the host's node.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from comfy.context_windows import ContextHandlerABC, ContextWindowABC
from comfy.model_management import throw_exception_if_processing_interrupted
from torch import Tensor

from ...magicportrait_core.diffusion.context_windows import (
    WindowSettings,
    context_windows,
    window_weights,
)
from .recorded_attention import Records, show_all

Window = tuple[list[int], Tensor]  #: frames, what each counts in the average


class FaceWindow(ContextWindowABC):
    """The frames of one window, as the host's nodes read them."""

    dim = 0

    def __init__(self, frames: list[int], total: int) -> None:
        self.index_list = frames
        self.context_length = len(frames)
        self.total_frames = total
        self.records: Records = {}

    def get_tensor(self, full: Tensor, device=None, dim: int | None = None, **_) -> Tensor:
        part = full if full.shape[0] == 1 else full[self.index_list]
        return part if device is None else part.to(device)

    def add_window(self, full: Tensor, to_add: Tensor, dim: int | None = None) -> Tensor:
        full[self.index_list] += to_add
        return full


class FaceWindows(ContextHandlerABC):
    """The core's windows; a clip no longer than one is not cut."""

    dim = 0
    freenoise = False

    def __init__(self, settings: WindowSettings) -> None:
        self.settings = settings
        self.context_length, self.context_overlap = settings.length, settings.overlap

    def windows(self, frames: int, timestep: Tensor, model_options: dict) -> Iterator[Window]:
        for window in context_windows(frames, self.settings):
            yield list(window), window_weights(len(window), self.settings.weights)

    def should_use_context(self, model, conds, x_in, timestep, model_options) -> bool:
        return len(x_in) > self.context_length

    def get_resized_cond(self, cond_in, x_in, window, device=None, controls=None):
        """Each part's tensors that have a row a frame, cut to the window's."""
        if cond_in is None:
            return None
        controls = {} if controls is None else controls
        return [self._resized(part, len(x_in), window, controls) for part in cond_in]

    def execute(self, calc_cond_batch, model, conds, x_in, timestep, model_options):
        totals = [torch.zeros_like(x_in) for _ in conds]
        counts = x_in.new_zeros(len(x_in), 1, 1, 1)
        options = model_options["transformer_options"]
        seen = []
        try:
            for frames, weights in self.windows(len(x_in), timestep, model_options):
                throw_exception_if_processing_interrupted()
                window = options["context_window"] = FaceWindow(frames, len(x_in))
                controls: dict = {}  # positive and negative share one, else they run apart
                parts = [self.get_resized_cond(c, x_in, window, None, controls) for c in conds]
                made = calc_cond_batch(model, parts, x_in[frames], timestep[frames], model_options)
                each = weights.to(x_in)[:, None, None, None]
                for total, part in zip(totals, made, strict=True):
                    total[frames] += part * each
                counts[frames] += each
                seen.append((frames, window.records))
        finally:
            options.pop("context_window", None)
        show_all(seen, len(x_in))
        return [total / counts for total in totals]

    def _resized(self, part: dict, total: int, window: FaceWindow, controls: dict) -> dict:
        resized = dict(part)
        for key, value in part.items():
            if isinstance(value, Tensor) and len(value) == total:
                resized[key] = window.get_tensor(value)
        resized["model_conds"] = {
            key: cond._copy_with(window.get_tensor(cond.cond))
            if isinstance(cond.cond, Tensor) and cond.cond.ndim and len(cond.cond) == total
            else cond
            for key, cond in part["model_conds"].items()
        }
        if part.get("control") is not None:
            resized["control"] = cut_control(part["control"], total, window, controls)
        return resized


class HostWindows(FaceWindows):
    """With the schedule, the lengths and the weights of the host's own node."""

    def __init__(self, handler) -> None:
        self.handler = handler
        self.context_length = handler.context_length
        self.context_overlap = handler.context_overlap
        self.freenoise = getattr(handler, "freenoise", False)

    def _apply_freenoise(self, *given):
        """Newer hosts call it where their node is told to share noise between windows."""
        return self.handler._apply_freenoise(*given)

    def windows(self, frames: int, timestep: Tensor, model_options: dict) -> Iterator[Window]:
        handler = self.handler
        sigmas = model_options["transformer_options"]["sample_sigmas"]
        handler._step = int((sigmas - timestep[0].to(sigmas)).abs().argmin())
        for window in handler.context_schedule.func(frames, handler, model_options):
            frames_of = [int(i) for i in window]
            if handler.fuse_method.name == "relative":
                yield frames_of, _relative(frames_of)
                continue
            weights = handler.fuse_method.func(
                len(frames_of), sigma=timestep, handler=handler, full_length=frames, idxs=frames_of
            )
            yield frames_of, torch.as_tensor(weights, dtype=torch.float32)


def _relative(frames: list[int]) -> Tensor:
    """Less towards the ends of the window, as the host weighs by closeness to the middle."""
    place = torch.tensor(frames, dtype=torch.float32)
    middle, reach = (frames[0] + frames[-1]) / 2, (frames[-1] - frames[0] + 1e-2) / 2
    return (1 - (place - middle).abs() / reach).clamp(min=1e-2)


def cut_control(control, total: int, window: FaceWindow, made: dict):
    """A ControlNet, and those before it, with the pictures of the window's frames."""
    if id(control) not in made:
        cut = copy.copy(control)
        cut.cond_hint = cut.control_input = None
        hint = control.cond_hint_original
        if isinstance(hint, Tensor) and len(hint) >= total > 1:
            cut.cond_hint_original = hint[window.index_list]
        cut.extra_concat_orig = [
            window.get_tensor(extra) if len(extra) == total else extra
            for extra in getattr(control, "extra_concat_orig", ())
        ]
        if control.previous_controlnet is not None:
            cut.previous_controlnet = cut_control(control.previous_controlnet, total, window, made)
        made[id(control)] = cut
    return made[id(control)]


def set_windows(model, settings: WindowSettings) -> None:
    """Give a MODEL its windows; other nodes see them where the host's node puts its own."""
    model.model_options["context_handler"] = FaceWindows(settings)


def unheeded(handler: ContextHandlerABC | None) -> list[str]:
    """Settings of newer hosts' node that are not kept: what a window is shown is decided here."""
    names = ("split_conds_to_windows", "cond_retain_index_list", "latent_retain_index_list")
    given = [name for name in names if getattr(handler, name, None)]
    return [f"Context Windows: {', '.join(given)} changes nothing on this model."] if given else []


def adopted(handler: ContextHandlerABC | None) -> ContextHandlerABC | None:
    """Ours in place of the host's. One that is neither is left as it is."""
    if handler is None or isinstance(handler, FaceWindows):
        return handler
    wanted = ("context_schedule", "fuse_method", "context_length", "context_overlap")
    return HostWindows(handler) if all(hasattr(handler, name) for name in wanted) else handler
