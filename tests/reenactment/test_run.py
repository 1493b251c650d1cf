"""The whole path with tiny networks: what is written, what is refused, what each option does."""

import shutil
from dataclasses import replace

import av
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from magicportrait_core.demo import demo_portrait_path
from magicportrait_core.diffusion.checkpoints.combined import convert_models
from magicportrait_core.diffusion.checkpoints.model_files import find_model_files
from magicportrait_core.drivers import Trimming
from magicportrait_core.errors import InputError, MagicPortraitWarning, NoFaceError
from magicportrait_core.pipeline import reenact as reenact_any
from magicportrait_core.pipeline import track
from magicportrait_core.reenactment import DiffusionSettings, LoraChoice, reference_mode
from magicportrait_core.reenactment.run import run_folder_of
from magicportrait_core.types import TransferSettings
from magicportrait_core.video import VideoWriter, open_video
from tests.reenactment.conftest import FRAMES, SETTINGS, STEPS, WINDOWS


def changed(**sampling):
    return replace(SETTINGS, sampling=replace(SETTINGS.sampling, **sampling))


def frames_of(path):
    return torch.stack([frame.image for frame in open_video(path)])


def test_a_clip_comes_out(tmp_path, reenact, whole):
    seen = {}
    report = reenact(
        tmp_path / "out.mp4",
        progress=lambda stage, done, total: seen.update({stage: (done, total)}),
    )
    assert (report.frames, report.size, report.fps) == (FRAMES, (64, 64), 24)
    assert (report.engine.name, report.tracker.name, report.head) == (
        "diffusion", "landmark_fit", "small",
    )  # fmt: skip
    assert not any("approximate" in text for text in report.warnings)
    assert frames_of(tmp_path / "out.mp4").shape == (FRAMES, 3, 64, 64)
    assert seen["denoising"] == (STEPS * WINDOWS, STEPS * WINDOWS)
    assert seen["decoding"] == (FRAMES, FRAMES)
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]  # the run folder is gone
    assert (tmp_path / "out.mp4").read_bytes() == whole


def test_the_sound_lasts_as_long_as_the_frames(tmp_path, reenact, acted_clip):
    tone = 0.2 * np.sin(np.arange(48000) * 2 * np.pi * 440 / 48000).astype(np.float32)
    with av.open(str(tmp_path / "tone.wav"), "w") as file:
        stream = file.add_stream("pcm_s16le", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray((tone * 32767).astype(np.int16)[None], "s16", "mono")
        frame.sample_rate = 48000
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    from magicportrait_core.types import AudioSource

    sounding = tmp_path / "sounding.mp4"
    with VideoWriter(
        sounding, 512, 512, 24, audio=AudioSource(tmp_path / "tone.wav", 0.0, 1.0)
    ) as writer:
        writer.write(frames_of(acted_clip))
    reenact(tmp_path / "a.mp4", driving=sounding)
    reenact(tmp_path / "b.mp4", driving=sounding)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    with av.open(str(tmp_path / "a.mp4")) as file:
        (sound,) = file.streams.audio
        seconds = float(sound.duration * sound.time_base)
    assert abs(seconds - FRAMES / 24) < 0.05


def test_without_a_head_model_the_face_mesh_is_used(tmp_path, reenact, headless_models, whole):
    output = tmp_path / "out.mp4"
    with pytest.warns(MagicPortraitWarning, match="maps are approximate"):
        report = reenact(output, models=headless_models)
    assert (report.tracker.name, report.head) == ("landmarks_only", None)
    assert report.frames == FRAMES
    assert (tmp_path / "out.mp4").read_bytes() != whole
    asked = replace(SETTINGS, tracker="landmark_fit")
    with pytest.raises(InputError, match="No head model is in"):
        reenact(tmp_path / "b.mp4", asked, models=headless_models)


@pytest.mark.parametrize("kind", ["landmarks", "head", "keys"])
def test_tracks_drive(tmp_path, reenact, acted_clip, acted_head, networks, kind):
    if kind == "landmarks":
        path = tmp_path / "a.safetensors"
        track(acted_clip, path, trim=Trimming(max_frames=FRAMES), networks=networks)
    elif kind == "head":
        path = acted_head
    else:
        path = tmp_path / "keys.csv"
        path.write_text("frame,yaw,jaw\n0,0,0\n5,20,12\n")
    report = reenact(tmp_path / "out.mp4", driving=path, trim=None)
    assert report.frames == FRAMES
    assert (report.tracker.name == "landmarks_only") == (kind == "landmarks")
    if kind != "keys":
        with pytest.raises(InputError, match=r"finished|when it is made"):
            reenact(tmp_path / "b.mp4", driving=path)


def test_the_driver_moves_the_maps(tmp_path, reenact, whole):
    """And with every gain at 0 it does not, though the noise of frames still differs."""
    still = TransferSettings(
        expression=0, jaw=0, eyelids=0, yaw=0, pitch=0, roll=0
    )  # fmt: skip
    reenact(tmp_path / "out.mp4", replace(SETTINGS, transfer=still))
    assert (tmp_path / "out.mp4").read_bytes() != whole


@pytest.mark.parametrize("init", ["preview", "whole", "crop"])
def test_a_clip_to_start_from(tmp_path, reenact, acted_clip, networks, init):
    """With little noise the result is what the VAE makes of the clip."""
    portrait = demo_portrait_path()
    path = tmp_path / "start.mp4"
    if init == "whole":
        trim = Trimming(max_frames=FRAMES)
        reenact_any(
            portrait, acted_clip, path, engine="preview", trim=trim, networks=networks
        )  # fmt: skip
    elif init == "crop":
        with VideoWriter(path, 64, 64, 24) as writer:
            writer.write(torch.full((FRAMES, 3, 64, 64), 0.5))
    settings = replace(
        SETTINGS,
        sampling=replace(SETTINGS.sampling, denoise=0.02, steps=1),
        init=init if init == "preview" else path,
    )
    reenact(tmp_path / "out.mp4", settings)
    assert frames_of(tmp_path / "out.mp4").shape == (FRAMES, 3, 64, 64)
    with pytest.raises(InputError, match="go together"):
        replace(settings, init=None)
    if init == "crop":
        with pytest.raises(InputError, match="has 6 frames, the driver has 4"):
            reenact(tmp_path / "b.mp4", settings, trim=Trimming(max_frames=4))


QUERY = "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_q"


def saved_lora(path, layer, wide):
    """A LoRA of rank 2 for one square layer."""
    torch.manual_seed(3)
    up, down = torch.randn(wide, 2), torch.randn(2, wide)
    save_file({f"{layer}.lora_up.weight": up, f"{layer}.lora_down.weight": down}, path)
    return path


def test_loras_change_the_clip_and_say_how_they_fit(tmp_path, reenact, whole):
    saved_lora(tmp_path / "own.safetensors", QUERY, 32)
    outputs = {}
    for target in ("both", "denoiser"):
        settings = replace(
            SETTINGS, loras=(LoraChoice(tmp_path / "own.safetensors", 0.5),), lora_for=target
        )
        report = reenact(tmp_path / f"{target}.mp4", settings)
        outputs[target] = (tmp_path / f"{target}.mp4").read_bytes()
        assert len(report.notes) == (2 if target == "both" else 1)
        assert all("1 layers matched" in note for note in report.notes)
    assert len({whole, *outputs.values()}) == 3


def test_previews_show_each_step(tmp_path, reenact, whole):
    report = reenact(tmp_path / "out.mp4", previews=True)
    (folder,) = report.more
    assert folder == run_folder_of(tmp_path / "out.mp4")
    names = sorted(path.name for path in (folder / "previews").iterdir())
    assert names == ["step_01.jpg", "step_02.jpg"]
    assert Image.open(folder / "previews" / names[0]).width > 4 * 200
    assert (tmp_path / "out.mp4").read_bytes() == whole


def test_reference_mode_is_the_papers():
    settings = reference_mode(SETTINGS)
    windows = settings.sampling.windows
    assert (windows.length, windows.overlap, windows.closed, windows.weights) == (
        12, 1, True, "flat",
    )  # fmt: skip
    assert settings.sampling.bank_dtype == torch.float16
    assert settings.sampling.sum_overlaps
    assert settings.look.mode == "parity"


def test_reference_mode_reads_the_official_files(tmp_path, reenact, models):
    """Not the half that `weights convert` made of them; the report names what was read."""
    shutil.copytree(models, tmp_path / "models")
    half = tmp_path / "models" / "magicportrait" / "magicportrait_fp16.safetensors"
    convert_models(find_model_files(models), half)
    settings = reference_mode(changed(steps=1))
    options = {"models": tmp_path / "models", "trim": Trimming(max_frames=1)}
    report = reenact(tmp_path / "out.mp4", settings, **options)
    used = {one.file: one.parts for one in report.weights}
    assert half.name not in used
    assert used["denoising_unet.pth"] == ("denoising_unet",)
    assert used["sd-vae-ft-mse/diffusion_pytorch_model.safetensors"] == ("vae",)
    assert report.dtype == "float32"


def test_the_whole_picture_keeps_its_shape(tmp_path, reenact):
    wide = Image.new("RGB", (700, 512), (128, 128, 128))
    wide.paste(Image.open(demo_portrait_path()), (94, 0))
    wide.save(tmp_path / "wide.png")
    report = reenact(
        tmp_path / "out.mp4",
        replace(SETTINGS, crop="none", size=320),
        portrait=tmp_path / "wide.png",
        trim=Trimming(max_frames=2),
    )
    assert report.size == (232, 320)  # 234 px high, cut to a multiple of 8


def test_what_cannot_be_is_said_before_the_long_work(tmp_path, reenact):
    def never(stage, done, total):
        pytest.fail("the long work began")

    strange = saved_lora(tmp_path / "strange.safetensors", "x", 4)
    wide = saved_lora(tmp_path / "wide.safetensors", QUERY, 64)
    for settings, options, words in (
        (SETTINGS, {"codec": "ffv1"}, "mkv"),
        (replace(SETTINGS, head="nobody"), {}, "nobody"),
        (replace(SETTINGS, transfer=TransferSettings(neutral_frame=6)), {}, "between 0 and 5"),
        (SETTINGS, {"models": tmp_path}, "denoising_unet.pth"),
        (replace(SETTINGS, loras=(LoraChoice(tmp_path / "no.safetensors"),)), {}, "no.safetensors"),
        (replace(SETTINGS, loras=(LoraChoice(strange),)), {}, "fits nothing here"),
        (replace(SETTINGS, loras=(LoraChoice(wide),)), {}, r"is \(32, 32\) here and \(64, 64\)"),
    ):
        with pytest.raises(InputError, match=words):
            reenact(tmp_path / "out.mp4", settings, progress=never, **options)
    assert set(tmp_path.iterdir()) == {strange, wide}


def test_a_picture_without_a_face_leaves_no_folder(tmp_path, reenact):
    Image.new("RGB", (200, 200), (90, 120, 150)).save(tmp_path / "wall.png")
    with pytest.raises(NoFaceError):
        reenact(tmp_path / "out.mp4", portrait=tmp_path / "wall.png")
    assert [path.name for path in tmp_path.iterdir()] == ["wall.png"]


@pytest.mark.parametrize("change", [{"size": 100}, {"crop": "half"}, {"dtype": "int8"}])
def test_settings_have_bounds(change):
    with pytest.raises(InputError):
        DiffusionSettings(**change)


@pytest.mark.parametrize(
    ("text", "file", "strength"),
    [("a.safetensors", "a.safetensors", 1), ("a.pt:0.5", "a.pt", 0.5), ("C:\\a.pt", "C:\\a.pt", 1)],
)
def test_strengths_stand_after_a_colon(text, file, strength):
    choice = LoraChoice.parse(text)
    assert (str(choice.file), choice.strength) == (file, strength)


def test_real_footage(tmp_path, reenact, shared_media):
    report = reenact(
        tmp_path / "out.mp4", portrait=shared_media / "boy.jpeg",
        driving=shared_media / "driving.mp4", trim=Trimming(max_frames=3),
    )  # fmt: skip
    assert (report.frames, report.lost_frames) == (3, 0)
