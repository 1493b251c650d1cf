"""From noise to the latents of a clip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..checks import check_choice, check_range
from ..errors import InputError
from ..types import MotionGuidance, Progress, ReferenceCondition, no_progress
from .clips.journal import Journal, SamplerState
from .clips.noise import initial_noise, shared_noise
from .clips.windowed import ClipDenoiser
from .context_windows import PRESETS, WindowSettings, context_windows
from .inputs import check_reference, check_start
from .memory.fitting_memory import fitted_windows
from .memory.shortage import naming_shortage
from .motion_module import check_window
from .schedule import NoiseSchedule, clean_and_noise, zero_snr_schedule
from .solvers.choice import SOLVERS, make_solver
from .solvers.solver import Solver
from .unet import DenoisingUNet

_LOWER = "the picture's size, the windows at once, or the windows' length"


@dataclass(frozen=True)
class SampleSettings:
    """How a clip is sampled. The defaults are the paper's, but for the windows: see PRESETS."""

    steps: int = 20
    guidance_scale: float = 3.5
    windows: WindowSettings = PRESETS["smooth"]
    solver: str = "ddim"  #: one of SOLVERS
    denoise: float = 1.0  #: below 1 sampling starts from given latents, with less noise
    seed: int = 42
    shared_noise: bool = False  #: windows start from the same noise in other orders: see `noise`
    windows_at_once: int | None = 1  #: in one forward; None: as many as fit, see `fitting_memory`
    sum_overlaps: bool = False  #: at a scale of 1 or less, as the reference: see `windowed`
    bank_dtype: torch.dtype | None = None  #: the bank is rounded to it; the reference's: float16

    def __post_init__(self) -> None:
        check_range("steps", self.steps, 1, 1000)
        check_range("guidance_scale", self.guidance_scale, 0, 100)
        check_range("denoise", self.denoise, 0.01, 1)
        check_range("steps / denoise", self.steps / self.denoise, 1, 1000)
        check_range(
            "windows_at_once",
            1 if self.windows_at_once is None else self.windows_at_once,
            1,
            1 << 20,
        )
        check_choice("solver", self.solver, SOLVERS)


#: called with a step's number, the latents after it, the v they came from, and the clean latents
#: that v stands for, (t, 4, h, w) each
Watch = Callable[[int, Tensor, Tensor, Tensor], None]


@torch.no_grad()
def sample(
    unet: DenoisingUNet,
    text: Tensor,
    reference: ReferenceCondition,
    guidance: MotionGuidance,
    size: tuple[int, int],
    settings: SampleSettings = SampleSettings(),
    start: Tensor | None = None,
    progress: Progress = no_progress,
    watch: Watch | None = None,
    journal: Journal = Journal(),  # noqa: B008, it keeps nothing
) -> Tensor:
    """Latents of every frame that guidance has, (t, 4, h, w) float32 on the CPU.

    Args:
        unet: on any device, in any floating dtype; windows go to it one after another.
        text: (1, s, c) the prompt's last hidden states.
        reference: the portrait's bank.
        guidance: features of the driver's frames, asked for window by window.
        size: rows and columns of the latents, an eighth of the picture's.
        start: (t, 4, h, w) latents to start from where settings.denoise is below 1.
        progress: called before the first forward of windows and after each.
        watch: called after each step that is taken here.
        journal: what a run that was stopped had done, and where this one keeps what it does. The
            result is what a run without a stop gives, to the bit, with the same inputs, devices
            and threads.

    Raises InputError for inputs that do not fit one another, and for a prediction that is not
    finite (which step and window it names).
    """
    check_range("latent rows and columns", min(size), 1, 1 << 16)
    check_window(min(len(guidance), settings.windows.length), unet.config.max_frames)
    check_reference(reference, size)
    schedule = zero_snr_schedule()
    solver = make_solver(
        settings.solver, schedule, settings.steps, settings.denoise, seed=settings.seed + 1
    )
    place = {"device": unet.conv_in.weight.device}
    denoiser = ClipDenoiser(
        unet,
        text.to(**place),
        reference.to(dtype=settings.bank_dtype).to(**place),
        guidance,
        settings.windows,
        settings.guidance_scale,
        settings.sum_overlaps,
        settings.windows_at_once or windows_that_fit(unet, len(guidance), size, settings),
    )
    shape = (len(guidance), unet.config.in_channels, *size)
    done, x = _resumed(journal, solver, shape)
    if x is None:
        x = make_noise(len(guidance), size, settings, unet.config.in_channels)
        x = _begin(x, start, settings, schedule, solver.times[0])
    count = len(context_windows(len(guidance), settings.windows))
    progress("denoising", done * count, settings.steps * count)
    for number, t in list(enumerate(solver.times))[done:]:
        report = _reporter(progress, number, settings.steps)
        try:
            with naming_shortage("denoising", _LOWER):
                v = denoiser.predict(x, t, report, journal.step(number))
        except InputError as error:
            raise InputError(f"step {number + 1} of {settings.steps}: {error}") from error
        after = solver.step(number, x, v)
        if watch is not None:
            watch(number, after, v, clean_and_noise(schedule, x, v, t)[0])
        x = after
        journal.finish(SamplerState(number + 1, x, solver.history()))
    return x


def _resumed(journal: Journal, solver: Solver, shape: tuple[int, ...]) -> tuple[int, Tensor | None]:
    """How many steps are finished, and the latents after them; the solver is brought there."""
    state = journal.state()
    if state is None:
        return 0, None
    if tuple(state.latents.shape) != shape or not 0 < state.steps <= len(solver.times):
        raise InputError(
            f"what was kept of {state.steps} steps, {tuple(state.latents.shape)}, is of another "
            f"run than {len(solver.times)} steps of {shape}: begin anew."
        )
    if state.steps < len(solver.times):
        solver.resume(state.steps, state.history)
    return state.steps, state.latents


def windows_that_fit(
    unet: DenoisingUNet, frames: int, size: tuple[int, int], settings: SampleSettings
) -> int:
    """What windows_at_once None comes to now; a run that is to repeat bit for bit notes it."""
    weight = unet.conv_in.weight
    length = min(frames, settings.windows.length)
    guided = settings.guidance_scale > 1
    return fitted_windows(unet.config, length, guided, size, weight.dtype, weight.device)


def make_noise(
    frames: int, size: tuple[int, int], settings: SampleSettings, channels: int
) -> Tensor:
    """The noise of a clip, (t, channels, rows, columns) float32."""
    if not settings.shared_noise:
        return initial_noise(frames, *size, settings.seed, channels)
    length, step = settings.windows.length, settings.windows.length - settings.windows.overlap
    return shared_noise(frames, *size, settings.seed, length, step, channels)


def _begin(
    noise: Tensor, start: Tensor | None, settings: SampleSettings, schedule: NoiseSchedule, t: int
) -> Tensor:
    """The noise itself, or what the first time makes of the latents to start from."""
    if (start is None) != (settings.denoise == 1):
        raise InputError("latents to start from go with a denoise below 1, and it with them.")
    if start is None:
        return noise
    check_start(start, tuple(noise.shape))
    signal = schedule.signal(t)
    return signal**0.5 * start.to(noise) + (1 - signal) ** 0.5 * noise


def _reporter(progress: Progress, step: int, steps: int) -> Callable[[int, int], None]:
    def report(done: int, windows: int) -> None:
        progress("denoising", step * windows + done, steps * windows)

    return report
