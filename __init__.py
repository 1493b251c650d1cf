"""ComfyUI entry. Outside ComfyUI importing this does nothing."""

import logging
import sys

try:
    import comfy_api.latest as _host
except ImportError as error:
    _host = None
    if "folder_paths" in sys.modules:
        logging.warning("MagicPortrait needs ComfyUI 0.3.64 or newer: %s", error)

if _host is not None:
    from .nodes.extension import comfy_entrypoint

    WEB_DIRECTORY = "./web"
    __all__ = ["WEB_DIRECTORY", "comfy_entrypoint"]
