"""How much may come out of a file: content that expands far beyond its stored size is no data.

Deflate and HDF5's filters shrink a run of equal bytes a thousandfold, and HDF5 datasets that were
never written take no room at all. Recordings, images and weights shrink tenfold at best.
"""

import zlib

from itcortex.errors import UserError

SMALL_BYTES = 2**26  # what a job can hold, whatever it came out of
LARGEST_RATIO = 200
_PIECE = 2**20


def require_plausible(stored: int, expanded: int, where: str) -> None:
    """Raise `UserError`, naming `where`, if `stored` bytes cannot well hold `expanded` ones."""
    if expanded > max(SMALL_BYTES, LARGEST_RATIO * stored):
        raise UserError(
            f"{where}: {stored:,} bytes would expand to {expanded / 1e6:,.1f} MB, more than "
            f"{LARGEST_RATIO} times as much; this is no data: get it from its original source"
        )


def inflated_bytes(stream: memoryview, where: str) -> int:
    """Length of what a zlib stream holds, counted piece by piece.

    Raises `UserError`, naming `where`, as soon as it is implausible, and zlib.error for a damaged
    stream.
    """
    engine, total = zlib.decompressobj(), 0
    for start in range(0, len(stream), _PIECE):
        waiting = bytes(stream[start : start + _PIECE])
        while waiting and not engine.eof:
            total += len(engine.decompress(waiting, _PIECE))
            require_plausible(len(stream), total, where)
            waiting = engine.unconsumed_tail
    return total + len(engine.flush())  # what a last repetition left over
