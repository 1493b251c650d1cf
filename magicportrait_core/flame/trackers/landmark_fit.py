"""A tracker that needs no learned regressor: any head model is fitted to the face's landmarks."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...checks import check_range
from ...errors import InputError, MagicPortraitWarning
from ...light import FRONT_LIGHT
from ...types import (
    CROP_SIZE,
    FaceTrack,
    HeadParams,
    HeadTrack,
    Progress,
    VideoClip,
    no_progress,
)
from ...weights.advice import seeing
from ..fitting.equations import Facing, Observations, Priors, calibrated, project
from ..fitting.frames import fit_frames
from ..fitting.identity import fit_identity
from ..fitting.points import HeadPoints, PointState
from ..fitting.rigid import rigid_pose, spread_frames
from ..head_model import Embedding, HeadModel
from ..projection import camera_in_crop
from ..registration.registration import Registration, register
from ..rotations import axis_angle
from ..smoothing import shots, smooth_track
from .misfit import misfit
from .tracker import Tracker

FEWEST_POINTS, MOST_POINTS = 4, 256
SHAPES, EXPRESSIONS = 100, 50  #: coefficients that are fitted
#: metres by which a mesh point may lie elsewhere than it was laid, and the most of it
SLACK, MOST_SLACK = 0.0015, 0.01
MISFIT = 0.05  #: face widths off the landmarks from which on a fit is doubtful
CHUNK = 32  #: frames looked at once
KEY_FRAMES = 72  #: that the identity is found from, at most: the more, the surer its relief
IDENTITY_STEPS = 12  #: Gauss-Newton steps for the identity, at most
STEPS = 8  #: Gauss-Newton steps of all frames, at most
NEUTRAL_HOLD = 1000.0  #: factor on the priors of the frame that is neutral


@dataclass(frozen=True)
class Fitted:
    """What a fit ends with, in picture units."""

    state: PointState
    unit: float  #: px a picture unit
    centre: Tensor  #: (2,) px of the picture units' origin


class LandmarkFit(Tracker):
    """Reads no pixel: landmarks are all it sees. Texture and light stay at their defaults."""

    name = "landmark_fit"

    def __init__(
        self,
        head: HeadModel,
        *,
        registration: Registration | None = None,
        smoothing: float = 0.5,
        neutral_frame: int | None = None,
        priors: Priors | None = None,
    ) -> None:
        """Lay the face mesh on the head.

        Args:
            head: any head model; it is fitted on the CPU, where landmarks are.
            registration: which mesh point is which point of the head; None: `register`.
            smoothing: of the parameters, zero-phase; 0 none, 1 most.
            neutral_frame: of the clip, without expression; None: the mean of all is held small.
            priors: how far parameters are believed to stray.

        Raises:
            InputError: a head on which no mesh can be laid, or that has nothing to fit; a
                neutral frame that is no frame's number.
        """
        check_range("smoothing", smoothing, 0, 1)
        if neutral_frame is not None:
            check_range("neutral_frame", neutral_frame, 0, 1 << 40)
        if not (len(head.shape_basis) and len(head.expression_basis)):
            raise InputError(
                f"{head.name} has no bases of shapes and expressions, so nothing of it can be "
                "fitted: use another head model."
            )
        head = head if head.template.device.type == "cpu" else head.to("cpu")
        self.head, self.smoothing, self.neutral_frame = head, smoothing, neutral_frame
        self.registration = (registration or register(head)).thinned(MOST_POINTS)
        if len(self.registration.indices) < FEWEST_POINTS:
            raise InputError(
                f"only {len(self.registration.indices)} points of the face mesh lie on "
                f"{head.name}, a fit takes {FEWEST_POINTS}: import its landmarks again."
            )
        self.priors = priors or Priors()
        embedding, residual = self.registration.embedding, self.registration.residual
        self.points = HeadPoints(
            head, embedding, _columns(head, head.shape_basis, embedding, SHAPES),
            _columns(head, head.expression_basis, embedding, EXPRESSIONS), self.registration.skull,
            (SLACK**2 + residual.clamp(max=MOST_SLACK) ** 2).sqrt(),
        )  # fmt: skip
        self._normals = _normals(head, embedding)

    def track(
        self, clip: VideoClip, faces: FaceTrack, *, progress: Progress = no_progress
    ) -> HeadTrack:
        """See `Tracker.track`; the clip is not read."""
        if faces.frame_size != (clip.height, clip.width):
            raise InputError(
                f"the face track is of frames of {faces.frame_size}, {clip.name} has "
                f"{(clip.height, clip.width)}: track the face in this clip."
            )
        return self.fit(faces, progress=progress)

    def fit(self, faces: FaceTrack, *, progress: Progress = no_progress) -> HeadTrack:
        """The head of a face track alone."""
        fitted = self._fit(faces, progress)
        track = self._head_track(faces, fitted)
        self._warn_of_misfit(track, faces)
        return smooth_track(track, self.smoothing)

    def _fit(self, faces: FaceTrack, progress: Progress) -> Fitted:
        points, priors, known = self.points, self.priors, faces.valid.nonzero()[:, 0]
        neutral = None if self.neutral_frame is None else self._neutral(known, len(faces))
        height, width = faces.frame_size
        size = (faces.boxes[known, 2:] - faces.boxes[known, :2]).amax(1)
        unit = max(float(size.median()), 1.0)
        centre = torch.tensor([width / 2, height / 2])
        seen = faces.landmarks[known[:, None], self.registration.indices]
        middle = seen[..., :2].mean(1)
        seen = torch.cat([seen[..., :2] - centre, seen[..., 2:]], -1) / unit
        stiff = _stiffness(points)
        rest = points.still.template + points.swung.template
        turn, log_scale, place = rigid_pose(rest, seen[..., :2], stiff, points.pivot)
        shot = shots(middle, size)
        gap = torch.cat([known.new_tensor([0]), known.diff()]).float()
        gap[0] = float("inf")
        gap[1:][shot.diff() > 0] = float("inf")
        hold = torch.ones(len(known))
        keys = spread_frames(turn, KEY_FRAMES)
        if neutral is not None:
            hold[neutral] = NEUTRAL_HOLD
            keys = torch.cat([keys, neutral[None]]).unique()

        def report(done: int, total: int) -> None:
            progress("fitting the head", done * len(known) // total, len(known))

        report(0, 1)
        # held as one frame would be: many frames show by themselves how the head turns
        facing = Facing(turn, 1 / (priors.facing**2 * len(keys)))
        obs = Observations(seen, self._trust(turn), gap, hold, facing)
        start = self._start(turn, log_scale, place)
        flat = replace(priors, depth_noise=math.inf)
        shared = fit_identity(points, start.frames(keys), obs.frames(keys), flat, IDENTITY_STEPS)
        report(1, 5)
        fitted, _ = project(points(shared).points, shared)
        depth = calibrated(seen[..., 2], keys, fitted[..., 2])
        seen = torch.cat([seen[..., :2], depth[..., None]], -1)
        rest = points.at_rest(shared)
        turn, log_scale, place = rigid_pose(rest, seen[..., :2], stiff, points.pivot)
        start = self._start(turn, log_scale, place, shared)
        obs = Observations(seen, self._trust(turn), gap, hold)
        state = fit_frames(
            points, start, obs, priors, STEPS, lambda done, n: report(n + 4 * done, 5 * n)
        )
        report(1, 1)
        return Fitted(state, unit, centre)

    def _depth(self, state: PointState) -> Tensor:
        """(t,) metres by which the fitted points lie nearer than the pivot, on the mean."""
        depth = torch.empty(len(state.turn))
        for rows in torch.arange(len(depth)).split(CHUNK):
            depth[rows] = self.points(state.frames(rows)).points[..., 2].mean(1)
        return depth

    def _warn_of_misfit(self, track: HeadTrack, faces: FaceTrack) -> None:
        """Say so where the head does not lie on the face: the points may be those of another."""
        share = misfit(self.head, self.registration, track, faces)
        if share > MISFIT:
            warnings.warn(
                f"{self.head.name} lies {share:.0%} of a face's width off the face: its landmark "
                "or mesh point file may belong to another head model; look at the track with "
                f"{seeing()}",
                MagicPortraitWarning,
                stacklevel=4,
            )

    def _neutral(self, known: Tensor, count: int) -> Tensor:
        """Which of the known frames is the neutral one."""
        check_range("neutral_frame", self.neutral_frame, 0, count - 1)
        found = (known == self.neutral_frame).nonzero()[:, 0]
        if not len(found):
            raise InputError(
                f"no face was seen in frame {self.neutral_frame}: name another neutral frame."
            )
        return found[0]

    def _start(
        self, turn: Tensor, log_scale: Tensor, place: Tensor, shared: PointState | None = None
    ) -> PointState:
        t, points = len(turn), self.points
        k = len(self.registration.indices)
        return PointState(
            shape=torch.zeros(len(points.shape_columns)) if shared is None else shared.shape,
            offset=torch.zeros(k, 3) if shared is None else shared.offset,
            expression=torch.zeros(t, len(points.expression_columns)),
            eyelids=torch.zeros(t, len(points.still.eyelids)),
            jaw=torch.zeros(t, 3),
            turn=turn,
            log_scale=log_scale,
            place=place,
            nearness=self.priors.nearness[0] if shared is None else shared.nearness,
        )

    def _trust(self, turn: Tensor) -> Tensor:
        """(t, k) less where the skin is turned away: there the network guesses."""
        facing = turn[:, 2] @ self._normals.T
        return ((facing + 0.1) / 0.4).clamp(0.03, 1)

    def _head_track(self, faces: FaceTrack, fitted: Fitted) -> HeadTrack:
        """A fit of the known frames -> a track of all, zero in the others."""
        head, state, t = self.head, fitted.state, len(faces)
        valid = faces.valid

        def spread(values: Tensor) -> Tensor:
            out = values.new_zeros(t, *values.shape[1:])
            out[valid] = values
            return out

        shape = _placed(state.shape[None], self.points.shape_columns)[0]
        expression = _placed(state.expression, self.points.expression_columns)
        root = head.joints[0] + shape @ head.joint_shape_basis[: len(shape), 0]
        root = root + expression @ head.joint_expression_basis[: expression.shape[1], 0]  # (t, 3)
        pivot = (state.turn @ (self.points.pivot - root)[..., None])[..., 0] + root
        # weak perspective is right at one depth: that of the face, which is nearer than the pivot
        near = 1 / (1 - state.nearness * self._depth(state))
        scale = state.log_scale.exp() * near * fitted.unit
        origin = state.place * fitted.unit + fitted.centre
        origin = origin - scale[:, None] * pivot[:, :2] * torch.tensor([1.0, -1.0])
        shrink = CROP_SIZE / max(faces.frame_size)
        crop = torch.diag(torch.tensor([shrink, shrink, 1.0]))
        crop[:2, 2] = shrink / 2 - 0.5  # pixel centres go to pixel centres
        crops = crop.expand(t, 3, 3).contiguous()
        # camera_in_crop takes px that lie half a crop's pixel further, as the reference has them
        standing = torch.cat([origin + 0.5 / shrink, scale[:, None]], 1)
        params = HeadParams(
            shape=shape,
            expression=spread(expression),
            global_pose=spread(axis_angle(state.turn)),
            jaw_pose=spread(state.jaw),
            neck_pose=torch.zeros(t, 3),
            eye_pose=torch.zeros(t, 6),
            eyelids=spread(state.eyelids) if head.eyelid_basis is not None else None,
            basis=head.basis,
        )
        camera = camera_in_crop(spread(standing), crops)
        lighting = FRONT_LIGHT.expand(t, 9, 3).contiguous()
        return HeadTrack(
            params, camera, torch.zeros(50), lighting, crops, valid, faces.frame_size, faces.fps,
            self.name,
        )  # fmt: skip


def _columns(head: HeadModel, basis: Tensor, embedding: Embedding, count: int) -> Tensor:
    """Which columns are fitted: FLAME's are sorted by how much they matter, others are not.

    Of others those are taken that move the fitted points most: back of the head and tongue move
    many vertices, but landmarks do not show them.
    """
    if head.family == "flame" or len(basis) <= count:
        return torch.arange(min(count, len(basis)))
    corners = head.faces[embedding.faces]  # (k, 3)
    moved = (basis[..., corners] * embedding.bary).sum(-1)  # (n, 3, k)
    return moved.square().sum((1, 2)).topk(count).indices.sort().values


def _placed(values: Tensor, columns: Tensor) -> Tensor:
    """(t, n) values at their columns, zero in the others before the last."""
    out = values.new_zeros(len(values), int(columns.max()) + 1)
    out[:, columns] = values
    return out


def _stiffness(points: HeadPoints) -> Tensor:
    """(k,) weights for a rigid fit: what jaw and expression hardly move."""
    moved = points.rest_basis()[1].norm(dim=-1).square().mean(0).sqrt()
    return points.still.weight / (1 + (moved / moved.median().clamp(min=1e-6)) ** 2)


def _normals(head: HeadModel, embedding: Embedding) -> Tensor:
    """(k, 3) unit normals of the template's faces."""
    corners = head.template.T[head.faces[embedding.faces]]
    normal = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return torch.nn.functional.normalize(normal, dim=-1)
