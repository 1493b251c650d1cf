"""Make the two weight files from MediaPipe's wheel: what this package ships, reproducibly.

    pip download --no-deps mediapipe==0.10.21
    pip install "magicportrait[convert]"
    python -m magicportrait_core.faces.convert mediapipe-0.10.21-*.whl OUT_FOLDER

A tflite file is a flatbuffer; the few fields read here are named by their number in
https://github.com/tensorflow/tensorflow/blob/v2.18.0/tensorflow/compiler/mlir/lite/schema/schema.fbs.
Its constants are fp16 and are stored as they are. No class of the tflite file is needed: the
tensors of its convolutions and PReLUs fill the modules in operator order.
"""

from __future__ import annotations

import hashlib
import sys
import zipfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from ..errors import InputError
from .detector import BlazeFace
from .mesh import REGIONS, AttentionMesh

FOLDER = "mediapipe/modules/"
DETECTOR = FOLDER + "face_detection/face_detection_short_range.tflite"
MESH = FOLDER + "face_landmark/face_landmark_with_attention.tflite"
SHA256 = {
    DETECTOR: "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
    MESH: "e06a804e0144f9929eda782122916b35d60c697c3c9344013ca2bbe76a6ce2b4",
}
CONV_2D, DEPTHWISE, DEQUANTIZE, CUSTOM, PRELU = 3, 4, 6, 32, 54  #: BuiltinOperator
FLOAT16 = 1  #: TensorType


class Table:
    """One flatbuffer table; fields by number."""

    def __init__(self, data: bytes, position: int) -> None:
        from flatbuffers.table import Table as Flat

        self._flat = Flat(data, position)

    def _at(self, number: int) -> int:
        offset = self._flat.Offset(4 + 2 * number)
        return offset and offset + self._flat.Pos

    def integer(self, number: int, kind: str) -> int:
        at = self._at(number)
        return int(np.frombuffer(self._flat.Bytes, kind, 1, at)[0]) if at else 0

    def vector(self, number: int, kind: str) -> np.ndarray:
        if not self._at(number):
            return np.zeros(0, kind)
        field = self._at(number) - self._flat.Pos
        start, length = self._flat.Vector(field), self._flat.VectorLen(field)
        return np.frombuffer(self._flat.Bytes, kind, length, start)

    def tables(self, number: int) -> list[Table]:
        field = self._at(number) - self._flat.Pos
        start = self._flat.Vector(field)
        ends = [start + 4 * i for i in range(self._flat.VectorLen(field))]
        return [Table(self._flat.Bytes, self._flat.Indirect(end)) for end in ends]


def read_tflite(data: bytes) -> tuple[list[list[Tensor]], list[list[int]]]:
    """The constants of every convolution and PReLU, and every custom operator's index list."""
    from flatbuffers import flexbuffers

    model = Table(data, int(np.frombuffer(data, "<u4", 1)[0]))
    codes = [max(c.integer(0, "<i1"), c.integer(3, "<i4")) for c in model.tables(1)]
    graph, buffers = model.tables(2)[0], model.tables(4)
    constants: dict[int, Tensor] = {}
    for i, tensor in enumerate(graph.tables(0)):
        raw = buffers[tensor.integer(2, "<u4")].vector(0, "u1")
        if len(raw) and tensor.integer(1, "<i1") == FLOAT16:
            values = raw.view("<f2").reshape(tensor.vector(0, "<i4"))
            constants[i] = torch.from_numpy(values.copy())
    layers, subsets = [], []
    for operator in graph.tables(3):
        code = codes[operator.integer(0, "<u4")]
        inputs = operator.vector(1, "<i4").tolist()
        if code == DEQUANTIZE and inputs[0] in constants:
            constants[int(operator.vector(2, "<i4")[0])] = constants[inputs[0]]
        elif code in (CONV_2D, DEPTHWISE, PRELU):
            weight, *bias = (constants[i] for i in inputs[1:])
            layers.append([_to_torch(code, weight), *bias])
        elif code == CUSTOM and len(options := operator.vector(5, "u1")):
            subset = flexbuffers.Loads(options.tobytes()).get("subset_idxs")
            if subset:
                subsets.append(subset)
    return layers, subsets


def _to_torch(code: int, weight: Tensor) -> Tensor:
    if code == CONV_2D:  # out, h, w, in
        return weight.permute(0, 3, 1, 2).contiguous()
    if code == DEPTHWISE:  # 1, h, w, channels
        return weight.permute(3, 0, 1, 2).contiguous()
    return weight.flatten()


def _leaves(name: str, module: nn.Module) -> Iterator[str]:
    """Names of the convolutions and PReLUs of a module, in the order they run."""
    for child, layer in module.named_modules(prefix=name):
        if isinstance(layer, nn.Conv2d | nn.PReLU):
            yield child


def mesh_order(net: AttentionMesh) -> list[str]:
    """Layer names in the file's order: the regions' layers, then the heads', are interleaved."""
    trunks = [_leaves(f"region_trunks.{r}", net.region_trunks[r]) for r in REGIONS]
    heads = [_leaves("region_heads.lips", net.region_heads["lips"])]
    for eye in REGIONS[1:]:
        heads.append(_leaves(f"region_heads.{eye}", net.region_heads[eye]))
        heads.append(_leaves(f"iris_heads.{eye}", net.iris_heads[eye]))
    start = [*_leaves("early", net.early), *_leaves("deep", net.deep), "points"]
    woven = chain(*zip(*trunks, strict=True), *zip(*heads, strict=True))
    return [*start, *woven, "presence"]


def named_weights(order: list[str], layers: list[list[Tensor]]) -> dict[str, Tensor]:
    weights = {}
    for name, tensors in zip(order, layers, strict=True):
        for part, tensor in zip(("weight", "bias"), tensors, strict=False):  # PReLU has no bias
            weights[f"{name}.{part}"] = tensor
    return weights


def convert(wheel: Path, out: Path) -> None:
    """Write blazeface_short.safetensors and attention_mesh.safetensors into the folder ``out``."""
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in SHA256}
    for name, data in files.items():
        if hashlib.sha256(data).hexdigest() != SHA256[name]:
            raise InputError(f"{name} in {wheel} is not the file of mediapipe 0.10.21")
    detector, mesh = BlazeFace(), AttentionMesh()
    layers, _ = read_tflite(files[DETECTOR])
    weights = {"blazeface_short": named_weights(list(_leaves("", detector)), layers)}
    layers, subsets = read_tflite(files[MESH])
    weights["attention_mesh"] = named_weights(mesh_order(mesh), layers)
    for region, subset in zip(REGIONS, subsets, strict=True):
        weights["attention_mesh"][f"subset_{region}"] = torch.tensor(subset, dtype=torch.int16)
    detector.load_state_dict(weights["blazeface_short"])
    mesh.load_state_dict(weights["attention_mesh"])
    for name, tensors in weights.items():
        save_file(tensors, out / f"{name}.safetensors", {"source": "mediapipe 0.10.21"})


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
