"""Loads a head model, converting or downloading what it can; says what to do where it cannot."""

from __future__ import annotations

from comfy_api.latest import io

from ..magicportrait_core.errors import InputError
from ..magicportrait_core.flame.library.library import AUTO
from ..magicportrait_core.model_files.head_models import TRACKER_CHOICES, choose_tracker
from .graphs.notes import warnings_on_node
from .graphs.progress import HostProgress
from .model_files.head_folders import fetch_head, find_head, fingerprint, head_options, missing_head
from .schema import node_schema
from .sockets import HeadSocket


class MagicPortraitHeadLoader(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="MagicPortraitHeadLoader",
            display_name="Load Head Model",
            search_aliases=["FLAME", "GNM", "DECA", "SMIRK", "3D head", "head model"],
            description="Loads the 3D head that motion is tracked with. Files dropped into"
            " models/flame as they were downloaded are converted on first use.",
            inputs=[
                io.Combo.Input(
                    "head",
                    options=head_options(),
                    default=AUTO,
                    tooltip="Which head model. auto takes FLAME 2020, the paper's, else another"
                    " FLAME, else GNM, which needs no registration.",
                ),
                io.Combo.Input(
                    "tracker_weights",
                    options=list(TRACKER_CHOICES),
                    default=AUTO,
                    tooltip="What FLAME Track's auto takes with this head: deca_smirk are the"
                    " paper's networks, for FLAME 2020 alone; landmark_fit needs no network and"
                    " fits any head; auto takes deca_smirk where its files are here.",
                ),
                io.Combo.Input(
                    "if_missing",
                    options=["explain", "download"],
                    default="explain",
                    tooltip="What to do where the head model is not here: say how to get it, or"
                    " download GNM (53 MB, Apache-2.0, no registration).",
                ),
            ],
            outputs=[
                HeadSocket.Output(
                    "head_model", display_name="head", tooltip="The head model, for FLAME Track."
                )
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def validate_inputs(cls, head) -> bool | str:
        return True  # names that are not here yet get their own words when the node runs

    @classmethod
    def fingerprint_inputs(cls, **_) -> str:
        return fingerprint()

    @classmethod
    def execute(cls, head, tracker_weights, if_missing) -> io.NodeOutput:
        with warnings_on_node(cls.hidden.unique_id) as said:
            loaded = find_head(head, tracker_weights, HostProgress())
            if loaded is None and if_missing == "download":
                loaded = fetch_head(head, tracker_weights, HostProgress())
            if loaded is None:
                raise InputError(missing_head(head))
            choice = choose_tracker(tracker_weights, loaded.head, loaded.folder)
            said.append(f"{loaded.head.name}, tracker {choice.name}: {choice.why}")
        return io.NodeOutput(loaded)
