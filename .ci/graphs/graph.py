"""A ComfyUI graph written down as code, and as the JSON that the page loads.

A node's inputs, their order and their defaults come from the server's /object_info, so a graph
cannot name what is not there.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

WIDGETS = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")
COLUMN, GAP, TOP = 380, 90, 60  #: px; the newer renderer draws nodes 60 px higher
TITLE, SLOT, WIDGET, TEXT = 40, 22, 26, 110  #: px of height
GROUP_COLOUR = "#3f789e"


@dataclass(frozen=True)
class Wire:
    """An output of a node."""

    node: dict
    slot: int

    @property
    def kind(self) -> str:
        return self.node["outputs"][self.slot]["type"]


@dataclass
class Node:
    """A node of a graph; node["name"] is its output of that name."""

    json: dict
    names: list[str] = field(default_factory=list)

    def __getitem__(self, output: str) -> Wire:
        return Wire(self.json, self.names.index(output))


class Graph:
    """Nodes are stacked in columns from left to right, in the order in which they are added."""

    def __init__(self, info: dict, name: str) -> None:
        self._info, self._name = info, name
        self._nodes: list[dict] = []
        self._links: list[list] = []
        self._groups: list[dict] = []
        self._bottom: dict[int, int] = {}

    def note(self, text: str, column: int = 0, height: int = 420) -> None:
        """Words for whoever opens the graph."""
        json = self._add("MarkdownNote", column, height, "Start here")
        json["widgets_values"] = [text]
        json |= {"color": "#432", "bgcolor": "#653"}

    def node(
        self,
        kind: str,
        column: int,
        title: str | None = None,
        models: list[dict] | None = None,
        height: int = 0,
        **inputs,
    ) -> Node:
        """Add a node. An input is a Wire or a widget's value; the others keep their defaults.

        models: {name, url, directory} of files it names, for the page's missing-model dialog.
        height: px of a picture or a text below the widgets.
        """
        info = self._info[kind]
        json = self._add(kind, column, 0, title)
        if models:
            json["properties"]["models"] = models
        for name, (type_, options) in _inputs(info):
            self._input(json, name, type_, options, inputs)
        if inputs:
            raise KeyError(f"{kind} has no input {', '.join(inputs)}")
        names = info["output_name"]
        json["outputs"] = [
            {"name": name, "type": type_, "links": None}
            for name, type_ in zip(names, info["output"], strict=True)
        ]
        slots = [slot for slot in json["inputs"] if "widget" not in slot]
        rows = max(len(slots), len(names))
        tall = TITLE + SLOT * rows + WIDGET * len(json["widgets_values"]) + height
        self._resize(json, column, tall)
        return Node(json, names)

    def group(self, title: str, *nodes: Node, room: int = 0) -> None:
        """A box round nodes, and so many px below them."""
        boxes = [(*node.json["pos"], *node.json["size"]) for node in nodes]
        left, top = min(b[0] for b in boxes) - 20, min(b[1] for b in boxes) - 80
        right = max(b[0] + b[2] for b in boxes) + 20
        bottom = max(b[1] + b[3] for b in boxes) + 20 + room
        self._groups.append(
            {
                "id": len(self._groups) + 1,
                "title": title,
                "bounding": [left, top, right - left, bottom - top],
                "color": GROUP_COLOUR,
                "font_size": 22,
                "flags": {},
            }
        )

    def json(self) -> dict:
        """What workflows/*.json holds."""
        return {
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"magicportrait/{self._name}")),
            "revision": 0,
            "last_node_id": len(self._nodes),
            "last_link_id": len(self._links),
            "nodes": self._nodes,
            "links": self._links,
            "groups": self._groups,
            "config": {},
            "extra": {"ds": {"scale": 0.7, "offset": [40, 40]}},
            "version": 0.4,
        }

    def _add(self, kind: str, column: int, height: int, title: str | None) -> dict:
        top = self._bottom.get(column, TOP)
        json = {
            "id": len(self._nodes) + 1,
            "type": kind,
            "pos": [40 + COLUMN * column, top],
            "size": [COLUMN - 60, height],
            "flags": {},
            "order": len(self._nodes),
            "mode": 0,
            "inputs": [],
            "outputs": [],
            "properties": {} if kind == "MarkdownNote" else {"Node name for S&R": kind},
            "widgets_values": [],
        }
        if title:
            json["title"] = title
        self._nodes.append(json)
        self._resize(json, column, height)
        return json

    def _resize(self, json: dict, column: int, height: int) -> None:
        json["size"][1] = height
        self._bottom[column] = json["pos"][1] + height + GAP + TITLE

    def _input(self, json: dict, name: str, type_, options: dict, given: dict) -> None:
        is_widget = isinstance(type_, list) or (
            type_ in WIDGETS and not options.get("forceInput", False)
        )
        slot = {"name": name, "type": "COMBO" if isinstance(type_, list) else type_, "link": None}
        if is_widget:
            slot["widget"] = {"name": name}
        json["inputs"].append(slot)
        value = given.pop(name, None)
        if isinstance(value, Wire):
            self._link(json, slot, value)
            value = None
        if not is_widget:
            return
        values = json["widgets_values"]
        values.append(_default(type_, options) if value is None else value)
        if _is_seed(name, type_, options):
            values.append("fixed")
        if options.get("image_upload") or options.get("video_upload"):
            values.append("image")

    def _next_link(self, wire: Wire) -> int:
        """The number of a new link, noted at the output it comes from."""
        number = len(self._links) + 1
        output = wire.node["outputs"][wire.slot]
        output["links"] = [*(output["links"] or []), number]
        return number

    def _link(self, json: dict, slot: dict, wire: Wire) -> None:
        number = slot["link"] = self._next_link(wire)
        target = json["inputs"].index(slot)
        self._links.append([number, wire.node["id"], wire.slot, json["id"], target, wire.kind])


def _inputs(info: dict) -> list[tuple[str, tuple]]:
    parts = [info["input"].get("required", {}), info["input"].get("optional", {})]
    return [
        (name, (value[0], value[1] if len(value) > 1 else {}))
        for part in parts
        for name, value in part.items()
    ]


def _default(type_, options: dict):
    if "default" in options:
        return options["default"]
    choices = type_ if isinstance(type_, list) else options.get("options")
    if choices:
        return choices[0]
    return {"INT": 0, "FLOAT": 0.0, "BOOLEAN": False}.get(type_, "")


def _is_seed(name: str, type_, options: dict) -> bool:
    named = type_ == "INT" and name in ("seed", "noise_seed")
    return bool(options.get("control_after_generate", named))
