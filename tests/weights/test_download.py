"""Downloads, with the one function that goes to the network replaced; and that one on loopback."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import pytest

from magicportrait_core.errors import InputError
from magicportrait_core.weights import download as module
from magicportrait_core.weights.catalog import Remote, entry_of
from magicportrait_core.weights.download import Fetched, download, fetch
from magicportrait_core.weights.records import FILE, read_records

ROOT = Path(__file__).resolve().parents[2]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Hub:
    """Stands for the network: what it holds, and what it was asked."""

    def __init__(self) -> None:
        self.data, self.published, self.asked = b"weights", None, []

    def fetch(self, remote, revision, work, progress) -> Fetched:
        self.asked.append((remote.repo, remote.path, revision))
        path = work / Path(remote.path).name
        path.write_bytes(self.data)
        progress("download", len(self.data), len(self.data))
        return Fetched(path, revision or COMMIT, self.published)


@pytest.fixture
def hub(monkeypatch):
    hub = Hub()
    monkeypatch.setattr(module, "fetch", hub.fetch)
    return hub


def test_a_file_whose_hash_nobody_knows_is_recorded_and_held_to(hub, tmp_path):
    seen = []
    path = download("denoising_unet", tmp_path, lambda *told: seen.append(told))
    assert path == tmp_path / "denoising_unet.pth"
    assert path.read_bytes() == b"weights"
    assert ("download", 7, 7) in seen
    assert sorted(p.name for p in tmp_path.iterdir() if p.name != ".download") == [
        "denoising_unet.pth",
        FILE,
    ]
    record = read_records(tmp_path)["denoising_unet.pth"]
    assert (record.sha256, record.revision) == (sha(b"weights"), COMMIT)
    assert not record.verified
    assert record.licence.startswith("Apache-2.0")
    assert download("denoising_unet", tmp_path) == path
    assert len(hub.asked) == 1
    path.write_bytes(b"changed")
    with pytest.raises(InputError, match=r"denoising_unet\.pth has sha256 .* is expected"):
        download("denoising_unet", tmp_path)
    path.unlink()
    hub.data = b"another"
    with pytest.raises(InputError, match="is expected"):
        download("denoising_unet", tmp_path)
    assert hub.asked[1][2] == COMMIT  # the commit that was recorded
    assert not path.exists()


def test_the_hash_that_the_hub_publishes_is_held_to(hub, tmp_path):
    hub.published = sha(b"weights")
    download("motion_module", tmp_path)
    assert read_records(tmp_path)["motion_module-47360.pth"].verified
    hub.data = b"damaged on the way"
    with pytest.raises(InputError, match="is expected"):
        download("reference_unet", tmp_path)
    assert not (tmp_path / "reference_unet.pth").exists()
    assert not list((tmp_path / ".download").iterdir())


def test_the_hash_of_the_catalogue_goes_before_the_hubs(hub, tmp_path):
    hub.published = sha(hub.data)
    with pytest.raises(InputError, match=entry_of("gnm_head").sha256):
        download("gnm_head", tmp_path)
    assert hub.asked == [
        ("google/gnm-v3", "v3_0/gnm_head.npz", "c01e90d298d82301f9fd18f54806be751775cb7c")
    ]


def test_files_in_folders_of_their_own(hub, tmp_path, monkeypatch):
    entry = replace(entry_of("vae"), sha256=sha(hub.data))
    monkeypatch.setattr(module, "entry_of", lambda key: entry)
    path = download("vae", tmp_path)
    assert path == tmp_path / "sd-vae-ft-mse" / "diffusion_pytorch_model.safetensors"
    assert path.is_file()


@pytest.mark.parametrize("key", ["flame2020", "deca", "smirk", "left_eyelid"])
def test_what_may_not_be_downloaded_says_what_to_do(hub, tmp_path, key):
    entry = entry_of(key)
    with pytest.raises(InputError) as raised:
        download(key, tmp_path)
    for words in (entry.name, str(tmp_path), entry.address, entry.licence):
        assert words in str(raised.value)
    assert hub.asked == []


def test_damaged_records(hub, tmp_path):
    (tmp_path / FILE).write_text("{")
    with pytest.raises(InputError, match=f"{FILE} is damaged"):
        download("denoising_unet", tmp_path)


def test_without_the_package(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(InputError, match=r"pip install huggingface_hub, or take x\.bin from"):
        fetch(Remote("a/b", "x.bin"), None, tmp_path, lambda *told: None)


def test_nothing_of_the_hub_is_imported_before_it_is_needed():
    code = (
        "import sys; from magicportrait_core.weights import catalog, download, folders;"
        "assert 'huggingface_hub' not in sys.modules"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


DATA = bytes(range(256)) * 4000


class Handler(BaseHTTPRequestHandler):
    """As much of the hub as a download asks."""

    def do_HEAD(self):
        self.answer(with_body=False)

    def do_GET(self):
        self.answer(with_body=True)

    def answer(self, with_body: bool) -> None:
        status, body, headers = 404, b"{}", {"Content-Type": "application/json"}
        path = self.path.split("?")[0]
        if path == "/api/models/some/repo/revision/main":
            lfs = {"sha256": sha(DATA), "size": len(DATA), "pointerSize": 130}
            file = {"rfilename": "v3/x.bin", "size": len(DATA), "lfs": lfs}
            facts = {"id": "some/repo", "sha": COMMIT, "siblings": [file]}
            status, body = 200, json.dumps(facts).encode()
        elif path == f"/some/repo/resolve/{COMMIT}/v3/x.bin":
            status, body = 200, DATA
            headers = {"ETag": f'"{sha(DATA)}"', "X-Repo-Commit": COMMIT}
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_args) -> None:
        pass


@pytest.fixture
def loopback():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


SCRIPT = """
import json, sys
from pathlib import Path
from magicportrait_core.weights.catalog import Remote
from magicportrait_core.weights.download import fetch
told = []
made = fetch(Remote("some/repo", sys.argv[2]), None, Path(sys.argv[1]), lambda *t: told.append(t))
print(json.dumps([str(made.path), made.commit, made.sha256, told]))
"""


CANCELLED = """
import sys
from pathlib import Path
from magicportrait_core.weights.catalog import Remote
from magicportrait_core.weights.download import fetch
def cancel(stage, done, total):
    if done:
        raise KeyError("the user has enough")
try:
    fetch(Remote("some/repo", sys.argv[2]), None, Path(sys.argv[1]), cancel)
except KeyError as error:
    print(error)
"""


def in_a_process(script: str, url: str, folder: Path, wanted: str) -> subprocess.CompletedProcess:
    env = os.environ | {
        "HF_ENDPOINT": url,
        "HF_HOME": str(folder / "home"),
        "HF_HUB_DISABLE_XET": "1",
        "PYTHONPATH": str(ROOT),
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
    return subprocess.run(
        [sys.executable, "-c", script, str(folder / "work"), wanted],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


@pytest.mark.skipif(find_spec("huggingface_hub") is None, reason="huggingface_hub is not installed")
def test_a_cancel_comes_through_as_it_is(loopback, tmp_path):
    run = in_a_process(CANCELLED, loopback, tmp_path, "x.bin")
    assert run.returncode == 0, run.stderr
    assert "the user has enough" in run.stdout


@pytest.mark.skipif(find_spec("huggingface_hub") is None, reason="huggingface_hub is not installed")
@pytest.mark.parametrize("wanted", ["v3/x.bin", "x.bin", "other.bin"])
def test_the_hubs_own_client(loopback, tmp_path, wanted):
    """A file is found at its path, else by its name."""
    run = in_a_process(SCRIPT, loopback, tmp_path, wanted)
    if wanted == "other.bin":
        assert "has no other.bin: look there" in run.stderr
        return
    assert run.returncode == 0, run.stderr
    path, commit, published, told = json.loads(run.stdout)
    assert Path(path).read_bytes() == DATA
    assert (commit, published) == (COMMIT, sha(DATA))
    assert told[0] == ["download", 0, len(DATA)]
    assert told[-1] == ["download", len(DATA), len(DATA)]
