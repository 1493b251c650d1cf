"""ComfyUI entry. Outside ComfyUI importing this does nothing."""

try:
    import comfy_api.latest as _host  # noqa: F401
except ImportError:
    _host = None

if _host is not None:
    from .nodes import comfy_entrypoint  # noqa: F401

    WEB_DIRECTORY = "./web"
