"""What a pickle would cost to load, found by walking over it; nothing is made and nothing is run.

A pickle can be small and yet never end: it makes a value once and uses it twice, the pair twice
again, and so on, until hashing or copying the whole takes years. Or its keys all have one hash, so
that each is compared with all others: texts' hashes cannot be foreseen, nor can those of integers
of 64 bits be alike, but those of what is made of others can. Here every value has its parts and
bytes, counted as often as they occur, and what all instructions take together is bounded, far above
what files of arrays have. Instructions that such files never have are refused as well.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass
from typing import IO

from .stand_ins import Refused

MAX_INSTRUCTIONS = 1 << 19  #: a checkpoint has some 40 for each tensor
MAX_DEPTH = 64  #: containers within containers
MAX_MEMO = 1 << 22  #: the highest place of the memo: C sets aside memory up to it
MAX_LONG = 1000  #: integers beyond 64 bits: as keys they can all have one hash
MAX_PARTS = 1 << 25  #: that all instructions take together
MAX_COPIES = 16  #: of the file: the bytes that all instructions take together
MAX_COMPARED = 1 << 26  #: keys, each with all others beside it, that may have one hash

_PUT = {"PUT", "BINPUT", "LONG_BINPUT"}
_GET = {"GET", "BINGET", "LONG_BINGET"}
#: these change the value below what they take
_FILL = {"APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS", "BUILD"}
#: of what these make or give, later instructions may make more
_GROWING = {
    *("EMPTY_LIST", "LIST", "EMPTY_DICT", "DICT", "EMPTY_SET", "BYTEARRAY8"),
    *("REDUCE", "NEWOBJ", "BINPERSID"),
}
#: these make what can be a key, and has a hash that a file can choose
_COMPOSED = {"EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "FROZENSET"}
_COMPOSED |= {"REDUCE", "NEWOBJ", "BINPERSID"}
_KEYED = {"SETITEM", "SETITEMS", "DICT"}  #: these take keys and values in turns
#: these make keys of what they take, or of what lies in it
_HASHING = _KEYED | {"ADDITEMS", "FROZENSET", "REDUCE", "NEWOBJ", "BUILD"}
_KNOWN = frozenset(
    "PROTO FRAME STOP MARK MEMOIZE GLOBAL STACK_GLOBAL REDUCE NEWOBJ NONE NEWTRUE NEWFALSE "
    "INT BININT BININT1 BININT2 LONG LONG1 FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING "
    "UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8 "
    "EMPTY_LIST LIST EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_DICT DICT EMPTY_SET "
    "FROZENSET".split()
) | (_PUT | _GET | _FILL)
#: torch's pickles name their tensors' values so
TORCH = frozenset({"BINPERSID"})


@dataclass(slots=True)
class _Value:
    """One value on the stack."""

    parts: int = 1  #: as often as they occur
    bytes: int = 0  #: of the texts and arrays among them, likewise
    depth: int = 0
    largest: int = 0  #: integer within
    composed: int = 0  #: parts whose hash a file can choose
    keys: int = 0  #: of those, the ones that were made keys of it
    open: bool = False  #: nothing has taken it yet, so it may still grow
    origin: _Value | None = None  #: of one that comes from the memo: what lies elsewhere too


_MARK = None  #: on the stack, below the values that an instruction takes together


def scan_pickle(stream: IO[bytes], length: int, more: frozenset[str] = frozenset()) -> None:
    """Walk over the pickle that begins here, to its end.

    Args:
        length: bytes there are.
        more: instructions that may occur beside the usual ones.

    Raises Refused for what costs too much; ValueError, IndexError and their like for a pickle that
    is damaged.
    """
    _Scan(length, more).run(stream)


class _Scan:
    def __init__(self, length: int, more: frozenset[str]) -> None:
        self.length, self.known = length, _KNOWN | more
        self.stack: list[_Value | None] = []
        self.memo: dict[int, _Value | None] = {}
        self.parts = self.bytes = self.longs = self.compared = 0

    def run(self, stream: IO[bytes]) -> None:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
            if count == MAX_INSTRUCTIONS:
                raise Refused(f"it has more than {MAX_INSTRUCTIONS:,} instructions")
            if opcode.name not in self.known:
                asked = f" for {_shown_name(argument)}" if opcode.name == "INST" else ""
                raise Refused(f"it has the instruction {opcode.name}{asked}")
            if opcode.name in _PUT:
                self.put(argument)
            elif opcode.name == "MEMOIZE":
                self.put(len(self.memo))
            elif opcode.name in _GET:
                kept = self.memo[argument]
                self.stack.append(_Value(origin=kept.origin or kept))
            elif opcode.name == "MARK":
                self.stack.append(_MARK)
            elif opcode.stack_before:
                self.step(opcode)
            elif opcode.stack_after:  # a text, a number, something empty
                made = _Value(1, _length(argument), 0, self.number(argument))
                made.composed = int(opcode.name in _COMPOSED)
                made.open = opcode.name in _GROWING
                self.stack.append(made)

    def put(self, place: int) -> None:
        if place > MAX_MEMO:
            raise Refused(f"it numbers its parts up to {place}")
        self.memo[place] = self.stack[-1]

    def step(self, opcode: pickletools.OpcodeInfo) -> None:
        """An instruction that takes values, and makes one or none."""
        taken = self.take(opcode.stack_before)
        target = taken.pop(0) if opcode.name in _FILL else None
        for value in taken:
            value.open = False
        taken = [self.known_size(value) for value in taken]
        parts, size = sum(value.parts for value in taken), sum(value.bytes for value in taken)
        self.parts += parts
        self.bytes += size
        if self.parts > MAX_PARTS or self.bytes > MAX_COPIES * self.length:
            raise Refused("its parts are used within each other so often that it would never end")
        made = _Value(
            1 + parts,
            size,
            1 + max((value.depth for value in taken), default=-1),
            max((value.largest for value in taken), default=0),
            (opcode.name in _COMPOSED) + sum(value.composed for value in taken),
            self.keys(opcode.name, taken, 0 if target is None else target.keys),
            opcode.name in _GROWING,
        )
        if opcode.name == "BINPERSID" and made.largest > self.length:
            raise Refused(f"it has a tensor of {made.largest:,} values in {self.length:,} bytes")
        if made.depth > MAX_DEPTH:
            raise Refused(f"it has more than {MAX_DEPTH} containers within each other")
        if target is not None:
            made = self.filled(target, made)
        if opcode.stack_after:
            self.stack.append(made)

    def keys(self, name: str, taken: list[_Value], beside: int) -> int:
        """How many keys of one hash an instruction can make of what it takes."""
        if name not in _HASHING:
            return 0
        if name == "BUILD" and not self.known >= TORCH:  # `stand_ins` take a state's own keys alone
            made = sum(value.keys for value in taken)
        else:
            made = sum(value.composed for value in (taken[::2] if name in _KEYED else taken))
        self.compared += made * (made + beside)
        if self.compared > MAX_COMPARED:
            raise Refused("it has so many keys that may have one hash that it would never end")
        return made

    def take(self, kinds: list) -> list[_Value]:
        """Values off the stack, the lowest first."""
        taken: list[_Value] = []
        for kind in reversed(kinds):
            if kind is pickletools.stackslice:
                while self.stack[-1] is not _MARK:
                    taken.append(self.stack.pop())
                continue
            value = self.stack.pop()
            if (value is _MARK) != (kind is pickletools.markobject):
                raise ValueError("its values lie in another order than its instructions take them")
            if value is not _MARK:
                taken.append(value)
        return taken[::-1]

    def known_size(self, value: _Value) -> _Value:
        """The value; one that lies elsewhere and may still grow is as large as it can become."""
        origin = value.origin
        if origin is None or not origin.open:
            return origin or value
        most = MAX_INSTRUCTIONS
        return _Value(most, self.length, origin.depth, origin.largest, most, origin.keys)

    def filled(self, target: _Value, more: _Value) -> _Value:
        """A container, or an object, with what was put into it."""
        if target.origin is not None:  # what holds it already would grow unseen
            raise Refused("it changes a part that it has used before")
        target.parts += more.parts
        target.bytes += more.bytes
        target.depth = max(target.depth, more.depth)
        target.largest = max(target.largest, more.largest)
        target.composed += more.composed
        target.keys += more.keys
        return target

    def number(self, argument: object) -> int:
        if not isinstance(argument, int):
            return 0
        self.longs += argument.bit_length() > 64
        if self.longs > MAX_LONG:
            raise Refused(f"it has more than {MAX_LONG} integers beyond 64 bits")
        return abs(argument)


def _length(argument: object) -> int:
    return len(argument) if isinstance(argument, (str, bytes, bytearray)) else 0


def _shown_name(argument: object) -> str:
    """The class that INST names, "module name" in `pickletools`, as module.name."""
    return f"{str(argument).replace(' ', '.'):.160}"
