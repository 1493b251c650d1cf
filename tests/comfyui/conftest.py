"""A real ComfyUI server for the tests of this folder.

COMFYUI_PATH names a checkout of ComfyUI, COMFYUI_PYTHON the interpreter of its environment
(default: the one that runs the tests). Without COMFYUI_PATH these tests are skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from magicportrait_core.diffusion.checkpoints.tiny_models import UNET, make_tiny
from tests.comfyui.geometry import ACT, EXAMPLE, TAKER, graph_of
from tests.comfyui.graphs import decode, save_image, succeeded
from tests.head_folder import fill_models
from tests.small_head import small_head

PACK = Path(__file__).resolve().parents[2]
WIDGETS = ("COMBO", "COMFY_DYNAMICCOMBO_V3", "INT", "FLOAT", "STRING", "BOOLEAN")
FIRST_DIALOG_OFF = {"Comfy.InstalledVersion": "1.27.10", "Comfy.TutorialCompleted": True}


@pytest.fixture(autouse=True)
def own_models() -> None:
    """The servers have models folders of their own."""


class ComfyServer:
    """A server process on a free loopback port, with a base folder of its own."""

    def __init__(
        self, base: Path, pack_name: str, link: bool, options: tuple[str, ...] = ()
    ) -> None:
        """options: more words for the server's command line."""
        self.base, self.options = base, options
        for folder in ("input", "output", "temp", "models", "custom_nodes", "user/default"):
            (base / folder).mkdir(parents=True)
        settings = base / "user/default/comfy.settings.json"
        settings.write_text(json.dumps(FIRST_DIALOG_OFF))
        target = base / "custom_nodes" / pack_name
        if link:
            target.symlink_to(PACK, target_is_directory=True)
        else:
            ignored = shutil.ignore_patterns(".*", "tests", "__pycache__", "demo", "*.egg-info")
            shutil.copytree(PACK, target, ignore=ignored)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_path = base / "server.log"
        self._start()

    def _start(self) -> None:
        command = [comfyui_python(), "main.py", "--cpu", "--port", str(self.port)]
        command += ["--disable-auto-launch", "--disable-api-nodes"]
        command += ["--base-directory", str(self.base)]
        command += ["--database-url", f"sqlite:///{self.base}/comfy.db", *self.options]
        # one thread: where other programs keep the cores busy, threads that wait for one another
        # by spinning make the small networks ten times slower
        environment = {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"} | os.environ
        with self.log_path.open("w") as log:
            self.process = subprocess.Popen(
                command, cwd=comfyui_path(), env=environment, stdout=log, stderr=log
            )
        end = time.monotonic() + 180
        while time.monotonic() < end and self.process.poll() is None:
            try:
                self.get("/system_stats")
            except (urllib.error.URLError, OSError):
                time.sleep(0.3)
            else:
                return
        self.stop()
        raise RuntimeError("the server did not come up:\n" + self.log()[-4000:])

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(timeout=15)

    def request(self, path: str, body: dict | None = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        with urllib.request.urlopen(
            urllib.request.Request(self.url + path, data, headers), timeout=60
        ) as answer:
            return answer.read()

    def get(self, path: str) -> dict:
        return json.loads(self.request(path))

    def submit(self, prompt: dict, client: str | None = None) -> str:
        """Queue a prompt; its id. A prompt that fails validation raises HTTPError."""
        body = {"prompt": prompt, "client_id": client or uuid.uuid4().hex}
        return json.loads(self.request("/prompt", body))["prompt_id"]

    def refusal(self, prompt: dict) -> str:
        """What the server says of a prompt that it must refuse, as text."""
        with pytest.raises(urllib.error.HTTPError) as refused:
            self.submit(prompt)
        return refused.value.read().decode()

    def finish(
        self, prompt_id: str, timeout: float = 240, watch: Callable[[], None] = lambda: None
    ) -> dict:
        """Wait until the prompt has ended, calling ``watch`` meanwhile; its history entry."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            watch()
            history = self.get(f"/history/{prompt_id}")
            if prompt_id in history:
                return history[prompt_id]
            time.sleep(0.1)
        raise AssertionError(f"no end within {timeout} s:\n" + self.log()[-4000:])

    def prompt_of(self, graph: dict) -> dict:
        """A saved graph as the page would send it: each widget's value under its name.

        Values are told by place. A widget behind the last one, which a newer host's node has and
        the graph does not know, keeps its default.
        """
        info = self.get("/object_info")
        links = {link[0]: [str(link[1]), link[2]] for link in graph["links"]}
        prompt = {}
        for node in graph["nodes"]:
            if node["type"] not in info:  # notes
                continue
            kinds = info[node["type"]]["input"]
            names = [*kinds.get("required", {}).items(), *kinds.get("optional", {}).items()]
            values, inputs = list(node["widgets_values"]), {}
            saved = {slot["name"] for slot in node["inputs"]}
            for name, (kind, *options) in names:
                if kind in WIDGETS or isinstance(kind, list):
                    if not values and name not in saved:
                        inputs[name] = options[0]["default"]
                        continue
                    inputs[name] = values.pop(0)
                    if values and values[0] in page_only(name, *options):
                        values.pop(0)
            assert values == [], f"{node['type']} has more values than widgets"
            for slot in node["inputs"]:
                if slot["link"] is not None:
                    inputs[slot["name"]] = links[slot["link"]]
            prompt[str(node["id"])] = {"class_type": node["type"], "inputs": inputs}
        return prompt

    def run(self, prompt: dict, timeout: float = 240) -> dict:
        return self.finish(self.submit(prompt), timeout)


def page_only(name: str, options: dict | None = None) -> tuple[str, ...]:
    """What the page keeps behind a widget's value for a widget of its own: see a seed's control."""
    options = options or {}
    if options.get("image_upload") or options.get("video_upload"):
        return ("image",)
    seeds = options.get("control_after_generate", name in ("seed", "noise_seed"))
    return ("fixed", "increment", "decrement", "randomize") if seeds else ()


def comfyui_path() -> Path:
    return Path(os.environ["COMFYUI_PATH"]).expanduser()


def comfyui_python() -> str:
    return os.path.expanduser(os.environ.get("COMFYUI_PYTHON", sys.executable))


@pytest.fixture(scope="session")
def needs_comfyui() -> None:
    if not os.environ.get("COMFYUI_PATH"):
        pytest.skip("COMFYUI_PATH names no ComfyUI checkout: the real server is not tested")


@pytest.fixture(scope="session")
def server(needs_comfyui, tmp_path_factory) -> Iterator[ComfyServer]:
    """The server with the pack linked under its usual name."""
    server = ComfyServer(tmp_path_factory.mktemp("comfy"), "ComfyUI-MagicPortrait", link=True)
    yield server
    server.stop()


@pytest.fixture
def renamed_server(needs_comfyui, tmp_path) -> Iterator[ComfyServer]:
    """The server with the pack copied into a folder of another name."""
    server = ComfyServer(tmp_path / "base", "my face.pack-v2", link=False)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def run_in_comfyui(needs_comfyui):
    """Run Python code in ComfyUI's own environment, from its folder; its output."""

    def run(code: str) -> str:
        done = subprocess.run(
            [comfyui_python(), "-c", code],
            cwd=comfyui_path(),
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    return run


@pytest.fixture(scope="session")
def model_server(server) -> ComfyServer:
    """The same server with every file that the workflows name: small, random."""
    models = server.base / "models"
    script = Path(__file__).parent / "stock_files.py"
    command = [comfyui_python(), str(script), str(models)]
    subprocess.run(command, cwd=comfyui_path(), check=True, timeout=180)
    fill_models(models, small_head())
    make_tiny(models)
    write_lora(models / "loras" / "tiny_lora.safetensors")
    return server


def write_lora(path: Path) -> None:
    """Of kohya's kind, for one layer of the tiny denoising UNet."""
    name, wide = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q", 2
    channels = UNET.block_out_channels[0]
    generator = torch.Generator().manual_seed(0)
    path.parent.mkdir(exist_ok=True)
    state = {
        f"{name}.lora_down.weight": torch.randn(wide, channels, generator=generator),
        f"{name}.lora_up.weight": torch.randn(channels, wide, generator=generator),
        f"{name}.alpha": torch.tensor(float(wide)),
    }
    save_file(state, path)


@pytest.fixture(scope="session")
def act(server) -> np.ndarray:
    """The example's driver, (96, 512, 512, 3), which also lies in the input folder."""
    example = {EXAMPLE: {"class_type": "MagicPortraitExample", "inputs": {}}}
    succeeded(server.run(example | {TAKER: save_image([EXAMPLE, 0], "portrait")}))
    (driver,) = (server.base / "temp").glob("magicportrait_example_driver*.mp4")
    shutil.copy(driver, server.base / "input" / ACT)
    return decode(driver)


@pytest.fixture
def bare(server, act) -> dict:
    """The graph without a head, where models/flame is empty."""
    shutil.rmtree(server.base / "models" / "flame", ignore_errors=True)
    return graph_of(False)


@pytest.fixture
def headed(server, act) -> dict:
    """The graph with the small head in models/flame."""
    folder = server.base / "models" / "flame"
    if not (folder / "small.safetensors").exists():
        fill_models(server.base / "models", small_head())
    return graph_of(True)
