"""What went wrong in reading a file, in words, where the reader's own error is for programmers."""

from __future__ import annotations

import pickle
import struct

from ..errors import InputError

_SHORT = (EOFError, IndexError, struct.error)
_NUMBERS = ("number 22]", "Errno 22]", "unexpected EOF", "central directory", "not a ZIP archive")
#: of `pickletools` and `zipfile`
_CUT = ("exhausted", "not enough data", "but only", "no newline", "not a zip file")


class Unreadable(InputError):
    """A file that is damaged, refused, or not in the form its reader reads."""


def what_broke(error: BaseException) -> str:
    """A phrase that goes on "the file is damaged: ...".

    >>> what_broke(EOFError())
    'it ends too early, as a download that was stopped does'
    """
    text = str(error)
    if isinstance(error, _SHORT) or any(mark in text for mark in _NUMBERS + _CUT):
        return "it ends too early, as a download that was stopped does"
    if isinstance(error, MemoryError):
        return "it asks for more memory than there is"
    if isinstance(error, OSError):
        return f"the system cannot read it ({error.strerror or text or 'no reason given'})"
    if isinstance(error, pickle.UnpicklingError) or "magic number" in text:
        return "its beginning is not that of such a file"
    return "bytes in it are not what they were when it was written"
