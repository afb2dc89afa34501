"""Batches on their way to a network and its maps on their way back, so that a GPU does not wait."""

import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from itcortex.networks.preprocessing import Preprocessing

#: Images of a batch that is `auto` on a CPU, where more are no faster; at most, on a GPU.
ON_CPU, MOST_ON_GPU = 16, 256
#: Images by which the memory of one is measured on a GPU; the share of its free memory that is used.
_TRIED, _SHARE = 4, 0.7
#: Bytes of maps that are kept of one batch, at most: several batches are in the host's memory at once.
_KEPT_BYTES = 256 * 2**20


def prepared_batches(
    preprocessing: Preprocessing,
    images: Sequence[np.ndarray],
    size: int,
    device: torch.device,
    threads: int = 1,
) -> Iterator[tuple[int, torch.Tensor]]:
    """Yield the first image's index and the batch (image, rgb, row, column), channels last, on `device`.

    With `threads` above 1 that many prepare a batch while the one before it is in the network. Batches
    go to a GPU from pinned memory, without a wait.
    """
    on_gpu, starts = device.type == "cuda", range(0, len(images), size)

    def placed(batch: torch.Tensor) -> torch.Tensor:
        batch = batch.pin_memory() if on_gpu else batch
        return batch.to(device, memory_format=torch.channels_last, non_blocking=on_gpu)

    if threads == 1:
        for start in starts:
            yield start, placed(preprocessing(images[start : start + size]))
        return
    share = math.ceil(size / threads)
    with ThreadPoolExecutor(threads, "prepare") as pool:

        def parts_of(start: int) -> Iterator[torch.Tensor]:
            stop = min(start + size, len(images))
            firsts = range(start, stop, share)
            return pool.map(preprocessing, [images[k : min(k + share, stop)] for k in firsts])

        coming = [parts_of(start) for start in starts[:1]]
        for start in starts:
            parts = coming.pop()
            if start + size < len(images):
                coming.append(parts_of(start + size))
            yield start, placed(torch.cat(list(parts)))


class OnHost:
    """Maps by layer that are brought to the host's memory; a GPU goes on meanwhile."""

    def __init__(self, maps: Mapping[str, torch.Tensor]):
        self._maps, self._events = {}, []
        for name, values in maps.items():
            if values.device.type != "cuda":
                self._maps[name] = values.cpu()
                continue
            host = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
            self._maps[name] = host.copy_(values, non_blocking=True)
            self._events = [torch.cuda.current_stream(values.device).record_event()]

    def arrays(self) -> dict[str, np.ndarray]:
        """The maps, once they are there."""
        for event in self._events:
            event.synchronize()
        return {name: values.numpy() for name, values in self._maps.items()}


def images_a_batch(asked: int | str, run, example: np.ndarray, device: torch.device) -> int:
    """Images of a forward pass: `asked`, or for ``"auto"`` as many as memory allows.

    Parameters
    ----------
    asked : int or "auto"
        On a CPU ``"auto"`` is 16. On a GPU it is the largest power of two, up to 256, whose passes take
        .7 of the memory that is free, measured with four images, and whose kept maps take .25 GB.
    run : callable
        A forward pass: images -> maps by layer, the tensors that are kept.
    example : uint8 array (row, column, rgb)
        One of the images.
    """
    if asked != "auto":
        return int(asked)
    if device.type != "cuda":
        return ON_CPU
    run([example])  # what libraries take once is no image's
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    kept = run([example] * _TRIED)
    taken = (torch.cuda.max_memory_allocated(device) - before) / _TRIED
    held = sum(values.nbytes for values in kept.values()) / _TRIED
    torch.cuda.empty_cache()
    return fitting(taken, held, torch.cuda.mem_get_info(device)[0])


def fitting(taken: float, kept: float, free: float) -> int:
    """Largest power of two of images, 1 to 256: bytes `taken` of a GPU's `free` and `kept`, for each."""
    most = min(_SHARE * free / max(taken, 1), _KEPT_BYTES / max(kept, 1), MOST_ON_GPU)
    return 2 ** int(math.log2(max(most, 1)))
