"""The pack loads in a real server: all nodes, tooltips, help pages, no warning of ours."""

from __future__ import annotations

from pathlib import Path

PACK = Path(__file__).resolve().parents[2]
NODES = {
    "MagicPortraitExample": {"portrait": "IMAGE", "driving": "DRIVING_VIDEO"},
    "LoadDrivingVideo": {
        "driving": "DRIVING_VIDEO",
        "video": "VIDEO",
        "audio": "AUDIO",
        "fps": "FLOAT",
        "frame_count": "INT",
    },
    "MagicPortraitTrackFace": {"face_track": "FACE_TRACK", "overlay": "VIDEO"},
    "MagicPortraitPreview": {"images": "IMAGE", "video": "VIDEO"},
    "MagicPortraitStillEditor": {"image": "IMAGE"},
    "MagicPortraitHeadLoader": {"head": "HEAD_MODEL"},
    "FLAMETrack": {"portrait_crop": "IMAGE", "track": "MOTION_TRACK", "overlay": "VIDEO"},
    "MagicPortraitMotionEdit": {"track": "MOTION_TRACK"},
    "RenderGeometryMaps": {
        "maps": "GEOMETRY_MAPS",
        "depth": "IMAGE",
        "normal": "IMAGE",
        "render": "IMAGE",
        "mask": "MASK",
        "video": "VIDEO",
        "audio": "AUDIO",
        "fps": "FLOAT",
    },
    "MagicPortraitPasteBack": {"video": "VIDEO", "images": "IMAGE"},
    "MagicPortraitModelLoader": {"model": "MODEL", "reference": "MAGICPORTRAIT_REFERENCE"},
    "MagicPortraitLoraLoader": {
        "model": "MODEL",
        "reference": "MAGICPORTRAIT_REFERENCE",
        "report": "STRING",
    },
    "FaceMotionFusion": {
        "positive": "CONDITIONING",
        "negative": "CONDITIONING",
        "latent": "LATENT",
    },
    "TemporalDenoise": {"latent": "LATENT"},
    "DecodeVideo": {"video": "VIDEO", "images": "IMAGE"},
}


def check_nodes(server) -> None:
    info = server.get("/object_info")
    for name, outputs in NODES.items():
        node = info[name]
        assert node["output"] == list(outputs.values())
        assert node["output_name"] == list(outputs)
        assert node["category"] == "MagicPortrait"
        assert node["experimental"] is True
        assert node["display_name"] != name
        assert node["description"]
        assert all(node["output_tooltips"])
        inputs = node["input"].get("required", {}) | node["input"].get("optional", {})
        for label, (_, options) in inputs.items():
            tip = options.get("tooltip")
            assert tip, f"{name}.{label} has no tooltip"
            assert not any(one in tip.split() for one in NODES), f"{tip}: nodes have titles"
            before, gain, _ = tip.partition(" is taken over")
            if gain and "," in before:
                assert before.endswith(","), f"{tip}: a comma is missing"


def test_nodes_are_there(server):
    check_nodes(server)


def test_start_is_quiet(server):
    log = server.log().split("To see the GUI go to")[0]  # what stands below is of graphs
    assert "IMPORT FAILED" not in log
    ours = [line for line in log.splitlines() if "MagicPortrait" in line]
    assert [line for line in ours if "seconds" not in line] == []
    assert "Traceback" not in log


def test_another_folder_name(renamed_server):
    check_nodes(renamed_server)
    assert "Traceback" not in renamed_server.log()


def test_help_pages(server):
    for name in NODES:
        page = server.request(f"/extensions/ComfyUI-MagicPortrait/docs/{name}.md").decode()
        assert page.startswith("# ")


def test_missing_internal_turns_one_node_off(run_in_comfyui):
    """Without the host's picture preview the still editor goes, and it alone."""
    out = run_in_comfyui(f"""
import asyncio, importlib.util, sys
sys.argv = ["main.py", "--cpu"]
import comfy.options; comfy.options.enable_args_parsing()
import utils.install_util, execution, server, comfy_api.latest
del comfy_api.latest.ui
root = {str(PACK)!r}
spec = importlib.util.spec_from_file_location(
    "pack", root + "/__init__.py", submodule_search_locations=[root])
sys.modules["pack"] = pack = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pack)
async def names():
    extension = await pack.comfy_entrypoint()
    return [node.SCHEMA.node_id for node in await extension.get_node_list()]
print("LOADED", asyncio.run(names()))
""")
    rest = [name for name in NODES if name != "MagicPortraitStillEditor"]
    assert f"LOADED {rest}" in out
    off = [line for line in out.splitlines() if "is off" in line]
    assert len(off) == 1
    assert "MagicPortraitStillEditor" in off[0]
    assert "cannot import name 'ui'" in off[0]
