"""Part of `gpu.py`: extraction of activations beside the bare forward pass, and the speed into the file.

network         batches that rest on the device pass the network
forward         images are prepared by the same threads and pass, nothing is kept: the bare forward pass
layers          ten layers are kept, averaged to `side` and rounded to float16
file            the same, written (`itcortex.store.write_activations`): what a job does
write           layers that are there already go into a file, by several threads
read            all layers out of the file, whole

All take turns, in rounds. Weights are drawn. One more row compares the layers with those of the CPU.
"""

import statistics
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from gpu_case import Case, Run

from itcortex import store
from itcortex.networks.activations import extract
from itcortex.networks.batches import prepared_batches
from itcortex.networks.layer_choice import choose_layers
from itcortex.networks.network import Network

#: Network, side of the maps that are kept, images.
CASES = [("resnet50", 7, 512), ("mobilenetv3_small_100", 7, 2048), ("resnet50", 28, 128)]
TINY = [("test_resnet", 7, 12)]
DTYPE, THREADS, ROUNDS, COMPARED = "float16", 8, 3, 8


def cases(run: Run) -> Iterator[Case]:
    """One for each network and side."""
    for network, side, count in TINY if run.tiny else CASES:
        measured = partial(measure, run, network, side, count)
        yield Case(f"{network} side {side}", 5 if run.tiny else 15, measured)


class _Extraction:
    """A network, made images, and a file."""

    def __init__(self, run: Run, name: str, side: int, count: int, folder: str):
        network = Network(name)
        self.model = network.build(0).to(run.device, memory_format=torch.channels_last)
        self.how = network.preprocessing_of(self.model)
        self.layers = choose_layers(network.skeleton(), self.how.input_size, 10)
        self.names = tuple(layer.name for layer in self.layers)
        self.images = _images(count, *self.how.input_size[1:])
        self.device, self.side, self.path = torch.device(run.device), side, Path(folder, "maps.h5")
        self.kept = list(self.extracted())
        self.size = len(next(iter(self.kept[0][1].values())))
        self.mb = sum(a.nbytes for _, maps in self.kept for a in maps.values()) / 1e6
        with torch.inference_mode():
            self.batch = torch.cat([b for _, b in self._batches(self.images[: self.size])])

    def extracted(self, images: np.ndarray | None = None, device=None, batch="auto") -> Iterator:
        """What a job keeps, batch by batch."""
        images = self.images if images is None else images
        return extract(
            self.model, self.how, images, self.layers, batch, device or self.device, self.side, DTYPE,
            threads=THREADS,
        )  # fmt: skip

    def _batches(self, images: np.ndarray) -> Iterator:
        return prepared_batches(self.how, images, self.size, self.device, THREADS)

    def network(self) -> None:
        """As many passes as there are batches."""
        with torch.inference_mode():
            for start in range(0, len(self.images), self.size):
                self.model(self.batch[: len(self.images) - start])

    def forward(self) -> None:
        """What nothing can be faster than."""
        with torch.inference_mode():
            for _, batch in self._batches(self.images):
                self.model(batch)

    def keep(self) -> None:
        """Layers are kept and let go."""
        for _ in self.extracted():
            pass

    def write(self, batches, threads: int) -> None:
        """Layers into the file."""
        names = [str(n) for n in range(len(self.images))]
        store.write_activations(
            self.path, batches, self.names, names, {"layers": []}, DTYPE, threads, packed=False
        )

    def read(self) -> None:
        """All layers, as an encoding job reads them."""
        opened = store.open_activations(self.path)
        for name in self.names:
            opened.read(name, slice(None))

    def steps(self) -> dict:
        """(step, threads) -> a function without arguments."""
        writing = {("write", n): partial(self.write, self.kept, n) for n in (1, THREADS)}
        return {
            ("network", 0): self.network,
            ("forward", THREADS): self.forward,
            ("layers", THREADS): self.keep,
            ("file", THREADS): lambda: self.write(self.extracted(), THREADS),
            **writing,
            ("read", 1): self.read,
        }

    def difference(self) -> float:
        """Largest difference of a layer from the CPU's, as a share of its length, for a few images."""
        few = self.images[:COMPARED]
        ((_, there),) = self.extracted(few, batch=COMPARED)
        ((_, here),) = self.extracted(few, "cpu", COMPARED)
        pairs = [(there[n].astype(np.float64), here[n].astype(np.float64)) for n in self.names]
        return max(float(np.linalg.norm(a - b) / np.linalg.norm(b)) for a, b in pairs)


def measure(run: Run, network: str, side: int, count: int) -> list[dict]:
    """Median seconds of every step, its rate, and its multiple of the bare forward pass."""
    with tempfile.TemporaryDirectory() as folder:
        case = _Extraction(run, network, side, count, folder)
        seconds: dict[tuple[str, int], list[float]] = {key: [] for key in case.steps()}
        for _ in range(2 if run.tiny else ROUNDS):
            for key, function in case.steps().items():
                seconds[key].append(run.seconds(function))
        packed = case.path.stat().st_size / 1e6
        about = {"network": network, "side": side, "dtype": DTYPE, "images": count,
                 "batch": case.size, "mb": case.mb}  # fmt: skip
        forward = statistics.median(seconds["forward", THREADS])
        rows = []
        for (step, threads), took in seconds.items():
            middle = statistics.median(took)
            rows.append(about | {
                "step": step, "threads": threads, "seconds": middle, "slowest": max(took),
                "images_a_s": count / middle, "times_forward": middle / forward,
                "mb_a_s": case.mb / middle if step in ("file", "write", "read") else np.nan,
                "packed_share": packed / case.mb,
            })  # fmt: skip
        return [*rows, about | {"step": "difference from the CPU", "share": case.difference()}]


def _images(count: int, height: int, width: int, seed: int = 0) -> np.ndarray:
    """Noise uint8 (image, row, column, rgb) with about the spectrum of photographs, each another."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(2 * height)[:, None], np.fft.fftfreq(2 * width))
    frequency[0, 0] = 1
    noise = rng.standard_normal((3, 2 * height, 2 * width))
    fields = np.fft.ifft2(np.fft.fft2(noise) / frequency).real
    scene = np.moveaxis(fields / fields.std((1, 2), keepdims=True), 0, -1)
    scene = np.clip(120 + 50 * scene, 0, 255).astype(np.uint8)
    # windows of one large scene
    corners = rng.integers(0, (height, width), (count, 2))
    return np.stack([scene[y : y + height, x : x + width] for y, x in corners])
