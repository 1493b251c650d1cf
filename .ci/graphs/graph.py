"""A ComfyUI graph written down as code, and as the JSON that the page loads.

A node's inputs, their order and their defaults come from the server's /object_info, so a graph
cannot name what is not there.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

WIDGETS = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")
WIDTH, ASIDE, BELOW, TOP = 320, 40, 50, 100  #: px: of a node, between nodes, of the first one
COLUMN = WIDTH + ASIDE
HEAD, TITLE, SLOT, WIDGET = 30, 40, 22, 26  #: px of height
GROUP_COLOUR = "#3f789e"


@dataclass(frozen=True)
class Wire:
    """An output of a node."""

    node: dict
    slot: int
    points: tuple[tuple[int, int], ...] = ()  #: where it is led, so as to run behind no node

    @property
    def kind(self) -> str:
        return self.node["outputs"][self.slot]["type"]

    def via(self, *points: tuple[int, int]) -> Wire:
        return Wire(self.node, self.slot, points)


@dataclass
class Node:
    """A node of a graph; node["name"] is its output of that name."""

    json: dict
    names: list[str] = field(default_factory=list)

    room: int = 0  #: px below it that a run or a click takes

    def __getitem__(self, output: str) -> Wire:
        return Wire(self.json, self.names.index(output))

    @property
    def bottom(self) -> int:
        return self.json["pos"][1] + self.json["size"][1] + self.room


class Graph:
    """Nodes are stacked in columns from left to right, in the order in which they are added."""

    widths: tuple[int, ...] = ()  #: px of the columns; those behind the last are WIDTH wide

    def __init__(self, info: dict, name: str) -> None:
        self._info, self._name = info, name
        self._nodes: list[dict] = []
        self._links: list[list] = []
        self._groups: list[dict] = []
        self._reroutes: list[dict] = []
        self._led: list[dict] = []  #: the last reroute of a link that has some
        self._next: dict[int, int] = {}  #: y of a column's next node

    def left(self, column: int) -> int:
        """x of a column."""
        known = self.widths[:column]
        return 40 + sum(known) + WIDTH * (column - len(known)) + ASIDE * column

    def right(self, column: int) -> int:
        return self.left(column + 1) - ASIDE

    def down_to(self, column: int, y: int) -> None:
        """The column's next node is no higher than y."""
        self._next[column] = max(self._next.get(column, TOP), y)

    def under(self, node: Node, output: str) -> Wire:
        """The wire to a node right below its own, led through the space between them."""
        (x, y), (wide, high) = node.json["pos"], node.json["size"]
        between = y + high + node.room + 20
        return node[output].via((x + wide + 14, between), (x - 14, between))

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
        room: int = 0,
        **inputs,
    ) -> Node:
        """Add a node. An input is a Wire or a widget's value; the others keep their defaults.

        models: {name, url, directory} of files it names, for the page's missing-model dialog.
        height: px of a picture or a text below the widgets.
        room: px kept free below the node, for what a run or a click opens there.
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
        self._resize(json, column, tall, room)
        return Node(json, names, room)

    def group(self, title: str, *nodes: Node) -> None:
        """A box round nodes and the room below them."""
        boxes = [(*node.json["pos"], *node.json["size"]) for node in nodes]
        left, top = min(b[0] for b in boxes) - 18, min(b[1] for b in boxes) - HEAD - 46
        right = max(b[0] + b[2] for b in boxes) + 18
        bottom = max(node.bottom for node in nodes) + 20
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
            "extra": self._extra(),
            "version": 0.4,
        }

    def _extra(self) -> dict:
        view = {"ds": {"scale": 0.6, "offset": [100, 120]}}
        if not self._reroutes:
            return view
        return view | {"reroutes": self._reroutes, "linkExtensions": self._led}

    def _add(self, kind: str, column: int, height: int, title: str | None) -> dict:
        top = self._next.get(column, TOP)
        json = {
            "id": len(self._nodes) + 1,
            "type": kind,
            "pos": [self.left(column), top],
            "size": [self.right(column) - self.left(column), height],
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

    def _resize(self, json: dict, column: int, height: int, room: int = 0) -> None:
        json["size"][1] = height
        self._next[column] = json["pos"][1] + height + room + BELOW + HEAD

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
        parent = {}
        for point in wire.points:
            reroute = {"id": len(self._reroutes) + 1, **parent, "pos": list(point)}
            self._reroutes.append(reroute | {"linkIds": [number]})
            parent = {"parentId": reroute["id"]}
        if parent:
            self._led.append({"id": number, **parent})


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
