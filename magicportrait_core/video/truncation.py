"""Does a file end before its own end?"""

from __future__ import annotations

from fractions import Fraction

import av

#: Containers whose header states how long they are, and whose index makes seeking exact.
INDEXED = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm")
_SLACK = Fraction(1, 10)  # seconds; headers round, and count a last frame's time or do not
_TS_PACKETS = (188, 192)  # bytes, the second with a time code as cameras write it


def breaks_off(container: av.container.InputContainer, reached: Fraction) -> bool:
    """Whether a container read to ``reached`` s of its own clock has lost its end.

    MP4, MOV and Matroska say in their header how long they are; a transport stream is made of
    packets of one length. Of other kinds nothing is known: False.
    """
    kind = container.format.name
    if kind in INDEXED:
        return reached < Fraction(container.duration or 0, av.time_base) - _SLACK
    if kind == "mpegts":
        return all(container.size % length for length in _TS_PACKETS)
    return False
