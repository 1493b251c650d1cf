"""Files that keep a machine busy for ever, eat its memory or end its process where they are read.

Run as a program with paths, it imports each file and prints what was said, with its seconds.
"""

from __future__ import annotations

import io
import json
import pickle
import struct
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

HEAD = b"\x80\x04"
#: how torch's old form begins
OLD_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
#: of memory, that the program may take: more than importing torch does
MEMORY = 6 << 30


def called(module: str, name: str, arguments: bytes) -> bytes:
    """Instructions that call a function."""
    return f"c{module}\n{name}\n".encode() + arguments + b"R"


def doubled(times: int, start: bytes = b")", again: bytes = b"q\x01h\x01\x86") -> bytes:
    """A pair of a pair of a pair ..., each of the same one twice."""
    return start + again * times


def array(shape: bytes, kind: bytes, raw: bytes) -> bytes:
    """numpy.ndarray of a claimed shape."""
    text = b"U" + bytes([len(kind)]) + kind
    dtype = b"cnumpy\ndtype\n" + text + b"K\x00K\x01\x87R"
    return b"cnumpy\nndarray\n)\x81(K\x01" + shape + dtype + b"\x89" + raw + b"tb"


def sparse(indptr: list[int], data: bytes = b"") -> bytes:
    """scipy.sparse.csc_matrix of one value."""

    def numbers(values: list[int]) -> bytes:  # fmt: skip
        raw = np.array(values, np.int64).tobytes()
        return array(b"K" + bytes([len(values)]) + b"\x85", b"i8", b"U" + bytes([len(raw)]) + raw)

    state = b"U\x06_shapeK\x05K" + bytes([len(indptr) - 1]) + b"\x86"
    state += b"U\x07indices" + numbers([0]) + b"U\x06indptr" + numbers(indptr)
    state += b"U\x04data" + (data or numbers([1]))
    return b"cscipy.sparse.csc\ncsc_matrix\n)\x81}(" + state + b"ub"


def same_hash(count: int) -> list[bytes]:
    """Instructions for each of so many integers of one hash, by int, which the memo has at 0."""
    made = []
    for n in range(16, 16 + count):
        text = str(n * (2**61 - 1)).encode()
        made.append(b"h\x00U" + bytes([len(text)]) + text + b"\x85R")
    return made


def pairs_of_one_hash(count: int) -> Iterator[bytes]:
    """Instructions for each of so many pairs of integers whose tuples have one hash.

    The algorithm of tuples' hashes, xxHash's, is solved for the second number.
    """
    first, second, start, all_bits = (
        0x9E3779B185EBCA87,
        0xC2B2AE3D27D4EB4F,
        0x27D4EB2F165667C5,
        2**64,
    )
    back = [pow(prime, -1, all_bits) for prime in (first, second)]

    def turned(value: int, by: int) -> int:
        return (value << by | value >> 64 - by) % all_bits

    a = made = 0
    while made < count:
        a += 1
        lane = turned((start + a * second) % all_bits, 31) * first
        b = (turned(12345 * back[0] % all_bits, 33) - lane) * back[1] % all_bits
        b -= all_bits * (b >= 2**63)
        if abs(b) < 2**61 - 1:  # beyond, an integer's hash is not itself
            made += 1
            yield b"J%b\x8a\x08%b\x86" % (struct.pack("<i", a), struct.pack("<q", b))


def torch_old(content: object) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=False)
    return file.getvalue()


def claiming(data: bytes, numel: bytes = b"J\xff\xff\xff\x7f") -> bytes:
    """torch's old form, of four values, that says it has 2,147,483,647."""
    assert data.count(b"K\x04Nt") == 1
    return data.replace(b"K\x04Nt", numel + b"Nt")


def torch_archive(path: Path, pickled: bytes, packed: bool = False, name: str = "data.pkl") -> None:
    kind = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", kind) as file:
        file.writestr(f"archive/{name}", pickled)
        file.writestr("archive/version", b"3\n")


def tape(path: Path) -> None:
    """torch's oldest form, of a name that can be taken for pickles."""
    first = (OLD_MAGIC + b"N.N.N.N.").decode("latin1")
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT, encoding="latin1") as file:
        for name in (first, "storages", "tensors", "pickle"):
            file.addfile(tarfile.TarInfo(name))


def two_lists(path: Path) -> None:
    """An archive whose records at the end lead to one list of members or to another."""
    torch_archive(path, b"\x80\x02}.")
    harmless = path.read_bytes()
    torch_archive(path, b"\x80\x02}" + doubled(60) + b"Ns.")
    path.write_bytes(path.read_bytes() + harmless)


def zeros(path: Path) -> None:
    """An .npz of 300 MB of zeros, in 300 kB."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in ("mean", "tex_dir"):
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array_header_1_0(
                    file, {"descr": "|u1", "fortran_order": False, "shape": (150 << 20,)}
                )
                for _ in range(150):
                    file.write(bytes(1 << 20))


def long_list(path: Path) -> None:
    """An .npz whose list of members is said to have 3 GB."""
    np.savez(path, mean=np.zeros(3))
    data = bytearray(path.read_bytes())
    at = data.rfind(b"PK\x05\x06") + 12
    data[at : at + 4] = (3 << 30).to_bytes(4, "little")
    path.write_bytes(data)


def pickles() -> Iterator[tuple[str, bytes, str]]:
    """Name, content, and what is said of it."""
    never, claims = "would never end", "array of"
    yield "key", HEAD + b"}" + doubled(60) + b"Ns.", never
    yield "key_by_dup", HEAD + b"}" + doubled(60, again=b"2\x86") + b"Ns.", "instruction DUP"
    yield "keys", HEAD + b"}(" + doubled(60) + b"Nu.", never
    yield "dict", HEAD + b"(" + doubled(60) + b"Nd.", never
    yield "set", HEAD + b"\x8f(" + doubled(60) + b"\x90.", never
    yield "frozenset", HEAD + b"(" + doubled(60) + b"\x91.", never
    call = called("__builtin__", "set", b"(" + doubled(60) + b"l\x85")
    yield "set_by_call", HEAD + call + b".", never
    yield "lists", HEAD + doubled(60, b"]", b"q\x01]h\x01ah\x01a") + b".", never
    fill = b"]q\x00]q\x01" + b"".join(b"h%c(h%ch%ce" % (1 - n % 2, n % 2, n % 2) for n in range(60))
    yield "filled_later", HEAD + fill + b".", "changes a part"
    yield "deep", HEAD + b"}" + b")" + b"\x85" * 900_000 + b"Ns.", "within each other"
    yield "many", HEAD + b"(" + b"N" * 3_000_000 + b"t.", "more than 524,288 instructions"
    numbers = b"]q\x00(" + b"N" * 200_000 + b"e"
    copies = called("__builtin__", "list", b"h\x00\x85") * 50_000
    yield "copied_lists", HEAD + b"(" + numbers + copies + b"t.", never
    text = b"T" + struct.pack("<i", 1 << 20) + b"x" * (1 << 20) + b"q\x00"
    copies = called("_codecs", "encode", b"h\x00U\x06latin1\x86") * 50_000
    yield "copied_texts", HEAD + b"(" + text + copies + b"t.", never
    state = b"}q\x00(" + b"".join(b"J" + struct.pack("<i", n) + b"N" for n in range(50_000)) + b"u"
    objects = b"cchumpy.ch\nCh\n)\x81h\x00b" * 50_000
    yield "copied_states", HEAD + b"(" + state + objects + b"t.", never
    code = called("numpy", "dtype", doubled(60, b"]", b"q\x01h\x01\x86") + b"\x85")
    yield "printed", HEAD + code + b".", never
    keys = b"".join(
        b"\x8a" + bytes([len(raw)]) + raw + b"N"
        for raw in (
            (n * (2**61 - 1)).to_bytes(12, "little", signed=True) for n in range(16, 200_000)
        )
    )
    yield "one_hash", HEAD + b"}(" + keys + b"u.", "1000 integers beyond 64 bits"
    named, keys = HEAD + b"c__builtin__\nint\nq\x00}", same_hash(60_000)
    yield "one_hash_by_call", named + b"(" + b"N".join(keys) + b"Nu\x86.", never
    batches = (b"N".join(keys[n : n + 3000]) for n in range(0, len(keys), 3000))
    yield "one_hash_in_parts", named + b"".join(b"(" + b + b"Nu" for b in batches) + b"\x86.", never
    call = called("__builtin__", "set", b"(" + b"".join(keys) + b"l\x85")
    yield "one_hash_in_set", named + call + b"\x87.", never
    objects = b"cscipy.sparse.csc\ncsc_matrix\n)\x81h\x01b" * 200
    state = b"q\x01(" + b"N".join(keys[:3000]) + b"Nu"
    yield "one_hash_in_states", named + state + b"(" + objects + b"t\x87.", never
    yield (
        "long",
        HEAD + b"\x8b" + struct.pack("<i", 30 << 20) + b"\x7f" * (30 << 20) + b".",
        "LONG4",
    )
    for name, start in (
        ("frame", b"\x95" + struct.pack("<Q", 1 << 60)),
        ("text8", b"\x8d" + struct.pack("<Q", 1 << 40)),
        ("bytes8", b"\x8e" + struct.pack("<Q", 1 << 40)),
        ("bytearray8", b"\x96" + struct.pack("<Q", 1 << 40)),
        ("long4", b"\x8b" + struct.pack("<i", (1 << 31) - 1)),
    ):
        yield f"claimed_{name}", HEAD + start + b"abc.", "is no pickle of arrays|is refused"
    yield "memo", HEAD + b"Nr\xff\xff\xff\x7f.", "numbers its parts up to 2147483647"
    many = b"\x8a\x06" + (10**12).to_bytes(6, "little")
    yield "shape", HEAD + array(many + b"\x85", b"f8", b"U\x08abcdefgh") + b".", claims
    yield "text_size", HEAD + array(b"K\x01\x85", b"U99999999", b"U\x08abcdefgh") + b".", claims
    half = (1 << 62) - 1
    yield "sparse", HEAD + sparse([0, half, 2 * half, -half, 1]) + b".", "does not add up"
    yield "sparse_loop", HEAD + sparse([0, 1], b"]q\x00(h\x00h\x00e") + b".", "not made of arrays"
    values = torch.ones(4).untyped_storage()
    stored = torch.TypedStorage(wrap_storage=values, dtype=torch.float32, _internal=True)
    inner = torch_old(stored)
    call = b"B" + struct.pack("<I", len(claiming(inner))) + claiming(inner) + b"\x85"
    loaded = called("torch.storage", "_load_from_bytes", call)
    yield "torch_values", HEAD + loaded + b".", "a tensor of 2,147,483,647 values"
    number, version, machine = (pickle.dumps(n, 2) for n in (0x1950A86A20F9469CFC6C, 1001, {}))
    inner = number + version + machine + b"\x80\x02}" + doubled(60) + b"Ns."
    call = b"B" + struct.pack("<I", len(inner)) + inner + b"\x85"
    loaded = called("torch.storage", "_load_from_bytes", call)
    yield "torch_key", HEAD + loaded + b".", never
    f = b"]q\x00(h\x00h\x00e"
    flame = b"}(U\x0av_template" + f + b"U\x09shapedirsNU\x07weightsNu."
    yield "loop", HEAD + flame, "v_template must be an array, got a list|is missing"


def checkpoints() -> Iterator[tuple[str, Callable[[Path], None], str]]:
    """The same of torch's files, and numpy's."""
    key = b"\x80\x02}" + doubled(60) + b"Ns."
    old = claiming(torch_old({"E_flame": {"a": torch.ones(4)}}))
    yield "old.tar", lambda path: path.write_bytes(old), "a tensor of 2,147,483,647 values"
    yield "key.pt", lambda path: torch_archive(path, key), "would never end"
    pairs = b"\x80\x02}(" + b"N".join(pairs_of_one_hash(60_000)) + b"Nu."
    yield "pairs.pt", lambda path: torch_archive(path, pairs), "would never end"
    yield "capitals.pt", lambda path: torch_archive(path, key, name="DATA.PKL"), "would never end"
    yield "tape.tar", tape, "is a tape archive"
    yield "two_lists.pt", two_lists, "not where (it|they) should be|is damaged"
    yield "packed.pt", lambda path: torch_archive(path, key, packed=True), "is packed"
    yield "expanded.pt", _expanded, "a tensor of shape torch.Size.*, not its values"
    yield "zeros.npz", zeros, "would unpack to 314,57"
    yield "list.npz", long_list, "its list of members has 3,221,225,472 bytes"


def _expanded(path: Path) -> None:
    torch.save({"E_flame": {"a": torch.ones(1).expand(10**6, 10**6)}}, path)


def read_all(paths: list[str]) -> None:
    from magicportrait_core.errors import InputError
    from magicportrait_core.model_files.importing import import_any

    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for path in paths:
        begun, said = time.process_time(), "it was imported"
        try:
            import_any(path, Path(path).parent / "models")
        except InputError as error:
            said = str(error)
        row = {"file": Path(path).name, "seconds": time.process_time() - begun, "said": said}
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    read_all(sys.argv[1:])
