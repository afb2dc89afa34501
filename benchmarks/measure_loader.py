"""Images a second of the training's loader, of a step, and of both together: `measure_loader.py JSON`.

The images are made by code, of ImageNet's usual size (500 x 375 pixels, JPEG of about 110 KB) and
ClickMe's (256 x 256, with a map); they lie in the memory of the operating system after a first
reading, so that disks are not measured.
"""

import io
import json
import sys
import tarfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from measure_harmonizer import StepCase, make_batch, step
from PIL import Image

from itcortex.networks.preprocessing import Preprocessing
from itcortex.networks.timm_networks import build
from itcortex.training.batches import Augmented, Mixture, Steps, load_batches
from itcortex.training.images.samples import Joined
from itcortex.training.images.sources import open_samples
from itcortex.training.recipe import Recipe

SOURCES = ("folder", "tar", "parquet")
PARTS = ("loader", "step", "together")
_SIZES = ((375, 500), (375, 500), (500, 375))  # height, width


@dataclass(frozen=True)
class LoaderCase:
    """What is measured: `batches` batches of one part, after a few to warm up.

    `maps` is the share of images that come from ClickMe's; `source` is what the others lie in.
    """

    images: str
    part: str = "loader"
    source: str = "folder"
    workers: int = 0
    network: str = "resnet18"
    way: str = "harmonizer"
    batch: int = 32
    maps: float = 0.25
    device: str = "cpu"
    precision: str = "float32"
    threads: int = 1
    batches: int = 8

    def command(self) -> list[str]:
        """Command line that measures this job."""
        return [sys.executable, __file__, json.dumps(asdict(self))]


def make_images(folder: Path, count: int, seed: int = 0) -> None:
    """Write the same photographs as a folder, a tar and a Parquet shard, and a shard with maps."""
    rng = np.random.default_rng(seed)
    files = {
        f"class{n % 2}/{n:05}.jpg": _jpeg(photograph(rng, *_SIZES[n % 3])) for n in range(count)
    }
    for name, content in files.items():
        path = folder / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    with tarfile.open(folder / "images.tar", "w") as archive:
        archive.add(folder / "folder", ".")
    table = {"image": list(files.values()), "label": [int(name[5]) for name in files]}
    pd.DataFrame(table).to_parquet(folder / "images.parquet")
    faces = [_jpeg(photograph(rng, 256, 256)) for _ in range(count // 4)]
    maps = [_jpeg(photograph(rng, 256, 256)[..., 0]) for _ in range(count // 4)]
    table = {"image": faces, "heatmap": maps, "label": [0] * len(faces)}
    pd.DataFrame(table).to_parquet(folder / "mapped.parquet")


def photograph(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Noise uint8 (row, column, rgb) with the spectrum of photographs: amplitude 1 / frequency."""
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width))
    frequency[0, 0] = 1
    grey, *colours = (
        np.fft.ifft2(np.fft.fft2(rng.standard_normal((height, width))) / frequency**power).real
        for power in (1.0, 1.2, 1.2, 1.2)
    )
    pixels = np.stack([grey / grey.std() + 0.3 * c / c.std() for c in colours], axis=-1)
    return np.clip(120 + 50 * pixels, 0, 255).astype(np.uint8)


def _jpeg(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def loader(job: LoaderCase, preprocessing: Preprocessing):
    """The training's own batches, without an end."""
    folder = Path(job.images)
    place = {"folder": "folder", "tar": "images.tar", "parquet": "images.parquet"}[job.source]
    labelled = open_samples([folder / place], folder / "scratch")
    mapped = (
        open_samples([folder / "mapped.parquet"], folder / "scratch") if job.maps else Joined([])
    )
    recipe = Recipe(batch_size=job.batch, epochs=10**6, map_share=job.maps)
    mixture = Mixture(labelled, mapped, recipe.map_share, seed=0)
    images = Augmented(mixture, recipe, preprocessing)
    steps = Steps(mixture, recipe, 0, 1, 0)
    return load_batches(images, steps, job.workers, torch.device(job.device))


def measure(job: LoaderCase) -> dict:
    """Images a second (wall time), CPU time an image, and the share of the time spent on waiting."""
    torch.set_num_threads(job.threads)
    model = build(job.network, seed=0).to(job.device, memory_format=torch.channels_last).train()
    preprocessing = Preprocessing.of(model)
    turn = _turn(job, model, preprocessing)
    for _ in range(1 + 2 * job.workers):  # what workers had read ahead
        turn()
    wall, cpu, waited = time.perf_counter(), time.process_time(), 0.0
    for _ in range(job.batches):
        waited += turn()
    seconds = time.perf_counter() - wall
    images = job.batch * job.batches
    return {
        "images_per_s": images / seconds,
        "cpu_ms": (time.process_time() - cpu) / images * 1e3,
        "waiting": waited / seconds,
    }


def _turn(job: LoaderCase, model: torch.nn.Module, preprocessing: Preprocessing) -> Callable:
    """A function that does one batch of the part and says how long it waited for images."""
    options = asdict(job)
    made = StepCase(**{key: options[key] for key in
                  ("network", "way", "batch", "maps", "device", "precision", "threads")})  # fmt: skip
    batches = loader(job, preprocessing) if job.part != "step" else None
    same = make_batch(made, preprocessing.input_size) if job.part == "step" else None
    device = torch.device(job.device)

    def turn() -> float:
        if batches is None:
            step(made, model, same)
            return 0.0
        started = time.perf_counter()
        batch = next(batches)
        waited = time.perf_counter() - started
        if job.part == "together":
            images = batch.inputs(preprocessing, device, channels_last=True)
            maps = batch.maps.to(device, non_blocking=True)
            step(made, model, (images, batch.labels, maps, batch.tokens))
        return waited

    return turn


if __name__ == "__main__":
    print(json.dumps(measure(LoaderCase(**json.loads(sys.argv[1])))))
