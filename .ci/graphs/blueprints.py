"""The blueprints, whole graphs folded into one node, one function each."""

from __future__ import annotations

from blueprint import Blueprint


def portrait_and_video(g: Blueprint) -> None:
    portrait, driving = g.inlet("portrait", "IMAGE"), g.inlet("driving", "DRIVING_VIDEO")
    model = g.inlet("model", "MODEL")
    reference = g.inlet("reference", "MAGICPORTRAIT_REFERENCE")
    positive, vae = g.inlet("positive", "CONDITIONING"), g.inlet("vae", "VAE")
    tracked = g.node("FLAMETrack", 0, driving=driving, portrait=portrait)
    maps = g.node("RenderGeometryMaps", 0, track=tracked["track"])
    fused = g.node(
        "FaceMotionFusion", 1, reference=reference, portrait_crop=tracked["portrait_crop"],
        vae=vae, positive=positive, maps=maps["maps"],
    )  # fmt: skip
    denoised = g.node(
        "TemporalDenoise", 2, model=model, positive=fused["positive"],
        negative=fused["negative"], latent=fused["latent"],
    )  # fmt: skip
    decoded = g.node("DecodeVideo", 3, latent=denoised["latent"], vae=vae)
    g.outlet("video", decoded["video"])
    g.outlet("images", decoded["images"])
    g.show(denoised, "seed", "steps", "cfg")
    g.show(tracked, "size")


def portrait_and_video_preview(g: Blueprint) -> None:
    portrait, driving = g.inlet("portrait", "IMAGE"), g.inlet("driving", "DRIVING_VIDEO")
    face = g.node("MagicPortraitTrackFace", 0, driving=driving)
    preview = g.node("MagicPortraitPreview", 1, portrait=portrait, face_track=face["face_track"])
    g.outlet("video", preview["video"])
    g.outlet("images", preview["images"])
    g.show(preview, "pose", "expression", "mode")


BLUEPRINTS = {
    "Portrait and video to video (MagicPortrait)": (
        portrait_and_video, "The portrait moves as the driver moves, painted by the diffusion "
        "model.",
    ),
    "Portrait and video to video (MagicPortrait preview)": (
        portrait_and_video_preview, "The portrait moves as the driver moves, warped by the preview "
        "engine, which needs no download.",
    ),
}  # fmt: skip
