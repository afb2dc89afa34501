"""Where the large products of a fit are taken: on this machine's cores, or on its GPU."""

import logging
from collections.abc import Callable
from typing import TypeVar

from itcortex.errors import UserError

_log = logging.getLogger(__name__)
Result = TypeVar("Result")


class Place:
    """A device, and whether fits move to the CPU when its memory does not suffice.

    Parameters
    ----------
    device : 'cpu' or a torch device
    fall_back : bool
        What to do for want of a GPU or of its memory: go on with the CPU for this fit and all others,
        and say so in the log; or raise `UserError`.
    """

    def __init__(self, device: str = "cpu", fall_back: bool = False):
        self.device, self.fall_back = device, fall_back
        self._said: set[str] = set()

    def say_once(self, message: str) -> None:
        """Warn of what a whole job does otherwise than its settings say; once, not by layer."""
        if message not in self._said:
            self._said.add(message)
            _log.warning(message)

    def run(self, fit: Callable[[str], Result]) -> Result:
        """What `fit` returns for the device; for the CPU, if it must and may fall back."""
        if self.device == "cpu":
            return fit("cpu")
        import torch  # noqa: PLC0415 - takes seconds

        try:
            return fit(self.device)
        except UserError as error:
            if torch.cuda.is_available():
                raise
            reason = str(error)
        except RuntimeError as error:
            if not _is_out_of_memory(error):
                raise
            reason = f"too little memory for this layer ({_first_line(error)})"
        if not self.fall_back:
            raise UserError(
                f"encoding: device: cuda: {reason}; set `device: auto` to go on with the CPU then, or "
                "`ridge: {precision: float32}` for half the memory"
            )
        _log.warning("encoding: device: auto: %s; the CPU does this and all that follows", reason)
        self.device = "cpu"
        return fit("cpu")


def _is_out_of_memory(error: RuntimeError) -> bool:
    """torch's own error, or that of a library of CUDA that finds no memory for its workspace."""
    import torch  # noqa: PLC0415 - takes seconds

    return isinstance(error, torch.cuda.OutOfMemoryError) or "_ALLOC_FAILED" in str(error)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["out of memory"])[0]


HOST = Place()
