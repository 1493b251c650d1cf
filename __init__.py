"""ComfyUI entry. Outside ComfyUI importing this does nothing."""

try:
    import comfy_api.latest as _host
except ImportError:
    _host = None

if _host is not None:
    from .nodes.extension import comfy_entrypoint

    WEB_DIRECTORY = "./web"
    __all__ = ["WEB_DIRECTORY", "comfy_entrypoint"]
