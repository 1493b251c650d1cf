"""A graph folded into one node that the page offers among its nodes: what subgraphs/ holds."""

from __future__ import annotations

import uuid

from graph import COLUMN, SLOT, TITLE, TOP, WIDGET, Graph, Node, Wire

INSIDE, OUTSIDE = -10, -20  #: ids of the nodes where wires come in and go out
WIDTH = 420  #: px of the folded node


class Blueprint(Graph):
    """`inlet` gives a wire from outside, `outlet` leads one there."""

    def __init__(self, info: dict, name: str, description: str) -> None:
        super().__init__(info, name)
        self.name, self.description = name, description
        self._door = {"id": INSIDE, "outputs": []}
        self._outlets: list[tuple[str, Wire]] = []
        self._shown: list[list[str]] = []

    def inlet(self, name: str, kind: str) -> Wire:
        self._door["outputs"].append({"name": name, "type": kind, "links": None})
        return Wire(self._door, len(self._door["outputs"]) - 1)

    def outlet(self, name: str, wire: Wire) -> None:
        number = self._next_link(wire)
        slot = len(self._outlets)
        self._links.append([number, wire.node["id"], wire.slot, OUTSIDE, slot, wire.kind])
        self._outlets.append((name, wire))

    def show(self, node: Node, *widgets: str) -> None:
        """Let widgets of a node inside be seen on the folded node."""
        self._shown += [[str(node.json["id"]), widget] for widget in widgets]

    def json(self) -> dict:
        whole = super().json()
        kind = whole["id"]
        right = max(node["pos"][0] for node in self._nodes) + COLUMN
        links = [
            dict(zip(("id", "origin_id", "origin_slot", "target_id", "target_slot", "type"), link,
                     strict=True))
            for link in self._links
        ]  # fmt: skip
        inputs, outputs = self._ends(links)
        definition = {
            "id": kind,
            "version": 1,
            "state": {
                "lastGroupId": len(self._groups), "lastNodeId": len(self._nodes),
                "lastLinkId": len(links), "lastRerouteId": 0,
            },
            "revision": 0,
            "config": {},
            "name": self.name,
            "inputNode": {"id": INSIDE, "bounding": [40 - COLUMN, TOP, 120, 40 + 20 * len(inputs)]},
            "outputNode": {"id": OUTSIDE, "bounding": [right, TOP, 120, 40 + 20 * len(outputs)]},
            "inputs": inputs,
            "outputs": outputs,
            "widgets": [],
            "nodes": self._nodes,
            "groups": self._groups,
            "links": links,
            "extra": {},
            "category": "MagicPortrait",
            "description": self.description,
        }  # fmt: skip
        folded = {
            "id": 1,
            "type": kind,
            "pos": [100, 100],
            "size": [
                WIDTH,
                TITLE + SLOT * max(len(inputs), len(outputs)) + WIDGET * len(self._shown),
            ],
            "flags": {},
            "order": 0,
            "mode": 0,
            "title": self.name,
            "inputs": [{"name": i["name"], "type": i["type"], "link": None} for i in inputs],
            "outputs": [{"name": o["name"], "type": o["type"], "links": []} for o in outputs],
            "properties": {"proxyWidgets": self._shown},
            "widgets_values": [],
        }
        return {
            "revision": 0,
            "last_node_id": 1,
            "last_link_id": 0,
            "nodes": [folded],
            "links": [],
            "version": 0.4,
            "definitions": {"subgraphs": [definition]},
            "extra": {},
        }

    def _ends(self, links: list[dict]) -> tuple[list[dict], list[dict]]:
        def end(name: str, kind: str, of: str, slot: int) -> dict:
            node = INSIDE if of == "origin" else OUTSIDE
            held = [n["id"] for n in links if (n[f"{of}_id"], n[f"{of}_slot"]) == (node, slot)]
            key = uuid.uuid5(uuid.NAMESPACE_URL, f"magicportrait/{self.name}/{of}/{name}")
            return {"id": str(key), "name": name, "type": kind, "linkIds": held}

        inputs = [
            end(output["name"], output["type"], "origin", slot)
            for slot, output in enumerate(self._door["outputs"])
        ]
        outputs = [
            end(name, wire.kind, "target", slot) for slot, (name, wire) in enumerate(self._outlets)
        ]
        return inputs, outputs
