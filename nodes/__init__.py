"""The ComfyUI nodes: the only place that imports the host. Never part of the wheel."""
