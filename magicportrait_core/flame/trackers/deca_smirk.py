"""The paper's tracker: DECA for pose, shape, light and camera, SMIRK for expression and jaw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from ...checks import check_range
from ...errors import InputError
from ...types import Camera, FaceTrack, HeadParams, HeadTrack, Progress, VideoClip, no_progress
from ...weights.advice import importing
from ..head_model import HeadModel
from ..smoothing import Window, shots, smooth_track, smooth_values
from . import crops
from .deca import DecaCodes, load_deca, split_codes
from .loading import ready
from .smirk import SmirkExpression, load_smirk, split_expression
from .tracker import Tracker, check_finite, numbered_frames

BASIS = "flame2020_generic"  #: the head model whose bases both networks' codes belong to
BATCH = 16  #: frames that pass the networks at once
BOX_SECONDS = 0.3  #: standard deviation in time of the smoothing of crop boxes, at strength 1
BOX_FLOOR = 0.01  #: of the box's side: changes up to which are noise


class DecaSmirk(Tracker):
    """Reads the clip once. The same numbers as the paper's code, given the same crops.

    Shape and texture are the medians over the frames in which the face was seen. Eyelids are
    kept where the head model has a basis for them.
    """

    name = "deca_smirk"

    def __init__(
        self,
        head: HeadModel,
        deca_state: Mapping[str, Tensor],
        smirk_state: Mapping[str, Tensor],
        device: torch.device | str = "cpu",
        *,
        smoothing: float = 0.5,
    ) -> None:
        """Make the networks ready.

        Args:
            head: FLAME 2020 generic; another only where its ``source`` says "codes" of it.
            deca_state: E_flame's tensors, by key.
            smirk_state: SMIRK's encoders' tensors, by key.
            device: where the networks run.
            smoothing: of crops and parameters, zero-phase; 0 none, as the paper's code, 1 most.

        Raises:
            InputError: another head model, or weights of another network.
        """
        check_head(head)
        check_range("smoothing", smoothing, 0, 1)
        self.head, self.device, self.smoothing = head, torch.device(device), smoothing
        self.deca = ready(load_deca(deca_state), device)
        self.smirk = ready(load_smirk(smirk_state).expression_encoder, device)

    def track(
        self, clip: VideoClip, faces: FaceTrack, *, progress: Progress = no_progress
    ) -> HeadTrack:
        """See `Tracker.track`."""
        boxes = smooth_boxes(faces, self.smoothing)
        matrices = boxes.crops()
        deca: list[DecaCodes] = []
        smirk: list[SmirkExpression] = []
        frames = numbered_frames(clip, faces, "reading the head", progress)
        for images in _batches(frames, faces.valid, matrices):
            codes, expression = self.codes(*images)
            deca.append(codes)
            smirk.append(expression)
        track = self._head_track(_cat(deca), _cat(smirk), matrices[0].float(), faces)
        return smooth_track(track, self.smoothing)

    @torch.inference_mode()
    def codes(self, deca: Tensor, smirk: Tensor) -> tuple[DecaCodes, SmirkExpression]:
        """What the networks say of two crops of n frames, (n, 3, 224, 224) RGB 0..1 each."""
        parameters = []
        for name, network, images in (("DECA", self.deca, deca), ("SMIRK", self.smirk, smirk)):
            images = images.to(self.device, memory_format=torch.channels_last)
            parameters.append(network(images).cpu())
            check_finite(name, parameters[-1])
        return split_codes(parameters[0]), split_expression(parameters[1])

    def _head_track(
        self, deca: DecaCodes, smirk: SmirkExpression, crop: Tensor, faces: FaceTrack
    ) -> HeadTrack:
        """Codes of the valid frames -> a track of all, zero in the others."""
        t, valid = len(faces), faces.valid

        def spread(values: Tensor) -> Tensor:
            out = values.new_zeros(t, *values.shape[1:])
            out[valid] = values
            return out

        params = HeadParams(
            shape=deca.shape.quantile(0.5, 0),
            expression=spread(smirk.expression),
            global_pose=spread(deca.pose[:, :3]),
            jaw_pose=spread(smirk.jaw),
            neck_pose=torch.zeros(t, 3),
            eye_pose=torch.zeros(t, 6),
            eyelids=spread(smirk.eyelids) if self.head.eyelid_basis is not None else None,
            basis=self.head.basis,
        )
        return HeadTrack(
            params=params,
            camera=Camera(spread(deca.camera[:, 0]), spread(deca.camera[:, 1:])),
            texture=deca.texture.quantile(0.5, 0),
            lighting=spread(deca.lighting),
            crop_from_frame=crop,
            valid=valid,
            frame_size=faces.frame_size,
            fps=faces.fps,
            tracker=self.name,
        )


def knows(head: HeadModel) -> bool:
    """Whether the networks' codes belong to this head model."""
    return BASIS in (head.name, head.source.get("codes"))


def check_head(head: HeadModel) -> None:
    """Raise InputError where the networks' codes belong to another head model."""
    if not knows(head):
        raise InputError(
            f"DECA's and SMIRK's codes belong to FLAME 2020 generic and mean other faces on "
            f"{head.name}: {importing('generic_model.pkl of FLAME 2020')} "
            "(https://flame.is.tue.mpg.de), or use the tracker landmark_fit, which takes any head "
            "model."
        )


@dataclass(frozen=True)
class CropBoxes:
    """Where the networks look: (t, 3) centre x, y and side, px."""

    deca: Tensor
    smirk: Tensor

    def crops(self) -> tuple[Tensor, Tensor]:
        """(t, 3, 3) each, px of the frame -> px of the crop."""
        return crops.crop_matrices(self.deca), crops.crop_matrices(self.smirk)


def smooth_boxes(faces: FaceTrack, smoothing: float) -> CropBoxes:
    """Crop boxes of each frame, centre and side smoothed over time.

    smoothing 0, or a single frame: exactly the paper's, sides cut to whole px.
    """
    sigma = smoothing * BOX_SECONDS * float(faces.fps)
    still = sigma == 0 or len(faces) == 1
    deca = crops.deca_boxes(faces.landmarks, whole_px=still)
    smirk = crops.smirk_boxes(faces.landmarks, whole_px=still)
    if still:
        return CropBoxes(deca, smirk)
    window = Window(faces.valid, shots(deca[:, :2], deca[:, 2] / crops.DECA_SCALE), sigma)
    floor = BOX_FLOOR * float(deca[:, 2].median())
    return CropBoxes(*(smooth_values(boxes, window, floor) for boxes in (deca, smirk)))


def _batches(
    frames: Iterator[tuple[int, Tensor]], valid: Tensor, matrices: tuple[Tensor, Tensor]
) -> Iterator[tuple[Tensor, Tensor]]:
    """Both crops of the frames in which the face was seen, BATCH at a time."""
    deca: list[Tensor] = []
    smirk: list[Tensor] = []
    for index, image in frames:
        if valid[index]:
            deca.append(crops.deca_input(image, matrices[0][index]))
            smirk.append(crops.smirk_input(image, matrices[1][index]))
        if len(deca) == BATCH:
            yield torch.stack(deca), torch.stack(smirk)
            deca, smirk = [], []
    if deca:
        yield torch.stack(deca), torch.stack(smirk)


def _cat(parts: list) -> DecaCodes | SmirkExpression:
    """Batches of codes, one after the other."""
    names = [field.name for field in fields(parts[0])]
    return type(parts[0])(**{n: torch.cat([getattr(p, n) for p in parts]) for n in names})
