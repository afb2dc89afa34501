"""One measurement of a training step, in a process of its own: `measure_harmonizer.py JSON`."""

import json
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass

import torch
from measure_encoding import peak_mb
from torch.nn import functional

from itcortex.harmonizer.double_backward import REPLACED
from itcortex.harmonizer.loss import harmonizer_loss
from itcortex.networks.preprocessing import Preprocessing
from itcortex.networks.timm_networks import build
from itcortex.running.memory import keep_freed_memory
from itcortex.training.precision import matmul_precision

#: How a step is made. 'native' is the harmonizer with PyTorch's own second derivatives of
#: convolutions and batch norm.
WAYS = ("cross-entropy", "harmonizer", "sub-batch", "native")


@dataclass(frozen=True)
class StepCase:
    """What is measured: so many steps of one network, trained one way, on `batch` images.

    `maps` is the share of images with a human map in the sub-batch; the other ways give every
    image one, which costs them nothing more.
    """

    network: str
    way: str
    batch: int = 8
    maps: float = 0.25
    device: str = "cpu"
    precision: str = "float32"
    threads: int = 1
    steps: int = 3

    def command(self) -> list[str]:
        """Command line that measures this job."""
        return [sys.executable, __file__, json.dumps(asdict(self))]


def make_batch(job: StepCase, size: tuple[int, int, int]) -> tuple[torch.Tensor, ...]:
    """Random images (channels last), labels, human maps and tokens; labels and tokens on the CPU."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(job.batch, *size, generator=generator).to(job.device)
    human = torch.rand(job.batch, *size[1:], generator=generator).to(job.device)
    with_map = round(job.batch * job.maps) if job.way == "sub-batch" else job.batch
    tokens = (torch.arange(job.batch) < with_map).float()
    images = images.contiguous(memory_format=torch.channels_last)
    return images, torch.arange(job.batch) % 1000, human, tokens


def step(job: StepCase, model: torch.nn.Module, batch: tuple[torch.Tensor, ...]) -> float:
    """Gradients of one batch; the harmonization."""
    device, half = torch.device(job.device), job.precision == "bf16"
    autocast = torch.autocast(device.type, torch.bfloat16) if half else nullcontext()
    strength = 0.0 if job.way == "cross-entropy" else 1.0
    model.zero_grad()
    with matmul_precision(job.precision, device):
        with autocast:
            parts = harmonizer_loss(
                model, *batch, strength=strength, sub_batch=job.way == "sub-batch",
                epsilon="relative",
            )  # fmt: skip
        parts.backward()
        return parts.harmonization.item()  # waits for a GPU


@contextmanager
def derivatives_for(way: str) -> Iterator[None]:
    """Context in which the way 'native' leaves convolutions and batch norm to PyTorch."""
    replaced = dict(REPLACED)
    try:
        if way == "native":
            for function in (torch.conv1d, torch.conv2d, torch.conv3d, functional.batch_norm):
                del REPLACED[function]
        yield
    finally:
        REPLACED.update(replaced)


def measure(job: StepCase) -> dict:
    """Seconds of a step (median of the steps), peak memory above weights and data, the loss part."""
    torch.set_num_threads(job.threads)
    model = build(job.network, seed=0).to(job.device, memory_format=torch.channels_last).train()
    batch = make_batch(job, Preprocessing.of(model).input_size)
    cuda = torch.device(job.device).type == "cuda"
    before = torch.cuda.memory_allocated() / 1e6 if cuda else peak_mb()
    seconds = []
    with derivatives_for(job.way):
        for _ in range(1 + job.steps):
            wall, cpu = time.perf_counter(), time.process_time()
            harmonization = step(job, model, batch)
            seconds.append((time.process_time() - cpu, time.perf_counter() - wall))
    cpu_seconds, wall_seconds = (statistics.median(s) for s in zip(*seconds[1:], strict=True))
    peak = torch.cuda.max_memory_allocated() / 1e6 if cuda else peak_mb()
    return {
        "cpu_seconds": cpu_seconds,
        "wall_seconds": wall_seconds,
        "peak_mb": peak - before,
        "harmonization": harmonization,
    }


if __name__ == "__main__":
    keep_freed_memory()  # as in a job
    print(json.dumps(measure(StepCase(**json.loads(sys.argv[1])))))
