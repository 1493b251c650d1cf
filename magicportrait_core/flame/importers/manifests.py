"""The tensors of the networks that trackers run: key -> shape, as official files name them.

DECA's E_flame is torchvision's ResNet-50 without its last layer and two linear layers; SMIRK's
encoders are timm's "minimal" MobileNetV3, small for the pose, large for shape and expression.
"""

from __future__ import annotations

Shapes = dict[str, tuple[int, ...]]

#: blocks of a ResNet-50: how many, width
_RESNET = ((3, 64), (4, 128), (6, 256), (3, 512))
#: stages of MobileNetV3: for each block its kind, width inside and width out.
#: "s" separable, "r" inverted residual, "c" one convolution. Kernels are 3x3: minimal.
_SMALL = (
    (("s", 16, 16),),
    (("r", 72, 24), ("r", 88, 24)),
    (("r", 96, 40), ("r", 240, 40), ("r", 240, 40)),
    (("r", 120, 48), ("r", 144, 48)),
    (("r", 288, 96), ("r", 576, 96), ("r", 576, 96)),
    (("c", 576, 576),),
)
_LARGE = (
    (("s", 16, 16),),
    (("r", 64, 24), ("r", 72, 24)),
    (("r", 72, 40), ("r", 120, 40), ("r", 120, 40)),
    (("r", 240, 80), ("r", 200, 80), ("r", 184, 80), ("r", 184, 80)),
    (("r", 480, 112), ("r", 672, 112)),
    (("r", 672, 160), ("r", 960, 160), ("r", 960, 160)),
    (("c", 960, 960),),
)
_STEM = 16  #: channels after the first convolution
_HEADS = {"pose_encoder": ("pose_cam_layers", 6), "shape_encoder": ("shape_layers", 300)}
_HEADS |= {"expression_encoder": ("expression_layers", 55)}


def deca() -> Shapes:
    """E_flame of deca_model.tar."""
    shapes = _conv("encoder.conv1", 64, 3, 7) | _norm("encoder.bn1", 64)
    channels = 64
    for stage, (count, width) in enumerate(_RESNET, start=1):
        for block in range(count):
            at = f"encoder.layer{stage}.{block}"
            layers = ((width, channels, 1), (width, width, 3), (4 * width, width, 1))
            for n, (out, into, kernel) in enumerate(layers, start=1):
                shapes |= _conv(f"{at}.conv{n}", out, into, kernel) | _norm(f"{at}.bn{n}", out)
            if not block:
                shapes |= _conv(f"{at}.downsample.0", 4 * width, channels, 1)
                shapes |= _norm(f"{at}.downsample.1", 4 * width)
            channels = 4 * width
    return shapes | _linear("layers.0", 1024, channels) | _linear("layers.2", 236, 1024)


def smirk() -> Shapes:
    """The three encoders of SMIRK_em1.pt, without the file's prefix."""
    shapes: Shapes = {}
    for name, (head, width) in _HEADS.items():
        stages = _SMALL if name == "pose_encoder" else _LARGE
        features = stages[-1][-1][-1]
        shapes |= _mobilenet(f"{name}.encoder", stages)
        shapes |= _linear(f"{name}.{head}.0", width, features)
    return shapes


def _mobilenet(at: str, stages: tuple) -> Shapes:
    shapes = _conv(f"{at}.conv_stem", _STEM, 3, 3) | _norm(f"{at}.bn1", _STEM)
    channels = _STEM
    for stage, blocks in enumerate(stages):
        for n, (kind, inside, out) in enumerate(blocks):
            here = f"{at}.blocks.{stage}.{n}"
            if kind == "c":
                layers = (("conv", out, channels, 1),)
            elif kind == "s":
                layers = (("conv_dw", channels, 1, 3), ("conv_pw", out, channels, 1))
            else:
                layers = (
                    ("conv_pw", inside, channels, 1),
                    ("conv_dw", inside, 1, 3),
                    ("conv_pwl", out, inside, 1),
                )
            for i, (name, to, into, kernel) in enumerate(layers, start=1):
                shapes |= _conv(f"{here}.{name}", to, into, kernel) | _norm(f"{here}.bn{i}", to)
            channels = out
    return shapes


def _conv(at: str, out: int, into: int, kernel: int) -> Shapes:
    return {f"{at}.weight": (out, into, kernel, kernel)}


def _norm(at: str, width: int) -> Shapes:
    names = ("weight", "bias", "running_mean", "running_var")
    return {f"{at}.{name}": (width,) for name in names} | {f"{at}.num_batches_tracked": ()}


def _linear(at: str, out: int, into: int) -> Shapes:
    return {f"{at}.weight": (out, into), f"{at}.bias": (out,)}
