"""Cost of a harmonizer's training step over a plain one, per family of networks.

Every measurement is a fresh process: one network, one way to train it, a few steps after a warm-up.
The ways take turns in rounds, so that they share whatever else the machine is doing. Writes into
results/bench: harmonizer.csv (every measurement), harmonizer_ratios.csv (medians, and how many times
a cross-entropy step that is), harmonizer_claims.csv (what was asked, what was found) and
machine.json. On a CPU its time counts, on a GPU the time on the wall.

Options: --quick (small networks, five minutes); --device cuda; --precision bf16 (autocast);
--batch N; --maps SHARE (of images with a human map, for the sub-batch); --networks NAME ...
"""

import argparse
import json
import statistics
import sys
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import encoding
import pandas as pd
import torch
from measure_encoding import peak_mb
from torch.nn import functional

from itcortex import progress
from itcortex.harmonizer import double_backward, harmonizer_loss
from itcortex.models import Preprocessing, build

#: How a step is made. 'native' is the harmonizer with PyTorch's own second derivatives of
#: convolutions and batch norm.
WAYS = ("cross-entropy", "harmonizer", "sub-batch", "native")
QUICK = ("resnet18", "tf_efficientnet_lite0", "mobilenetv3_small_100", "vit_tiny_patch16_224")
#: Those and the six architectures of the paper.
FULL = (
    *QUICK, "resnet50", "regnety_008", "vgg16", "levit_128s", "efficientnet_b0", "resnetv2_50",
    "convnext_tiny", "maxvit_tiny_tf_224",
)  # fmt: skip
SIZE = ["network", "device", "precision", "batch", "maps"]


@dataclass(frozen=True)
class Job:
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
        return [sys.executable, __file__, "--measure", json.dumps(asdict(self))]


# --- one measurement ------------------------------------------------------------------------------


def make_batch(job: Job, size: tuple[int, int, int]) -> tuple[torch.Tensor, ...]:
    """Random images (channels last), labels, human maps and tokens; labels and tokens on the CPU."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(job.batch, *size, generator=generator).to(job.device)
    human = torch.rand(job.batch, *size[1:], generator=generator).to(job.device)
    with_map = round(job.batch * job.maps) if job.way == "sub-batch" else job.batch
    tokens = (torch.arange(job.batch) < with_map).float()
    images = images.contiguous(memory_format=torch.channels_last)
    return images, torch.arange(job.batch) % 1000, human, tokens


def step(job: Job, model: torch.nn.Module, batch: tuple[torch.Tensor, ...]) -> float:
    """Gradients of one batch; the harmonization."""
    kind = torch.device(job.device).type
    autocast = torch.autocast(kind, torch.bfloat16) if job.precision == "bf16" else nullcontext()
    strength = 0.0 if job.way == "cross-entropy" else 1.0
    model.zero_grad()
    with autocast:
        parts = harmonizer_loss(
            model, *batch, strength=strength, sub_batch=job.way == "sub-batch", epsilon="relative"
        )
    parts.backward()
    return parts.harmonization.item()  # waits for a GPU


def use_native_derivatives() -> None:
    """Leave convolutions and batch norm to PyTorch, in this process."""
    module = sys.modules[double_backward.__module__]
    for function in (torch.conv1d, torch.conv2d, torch.conv3d, functional.batch_norm):
        del module._REPLACED[function]


def measure(job: Job) -> dict:
    """Seconds of a step (median of the steps), peak memory above weights and data, the loss part."""
    torch.set_num_threads(job.threads)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    if job.way == "native":
        use_native_derivatives()
    model = build(job.network, seed=0).to(job.device, memory_format=torch.channels_last).train()
    batch = make_batch(job, Preprocessing.of(model).input_size)
    cuda = torch.device(job.device).type == "cuda"
    before = torch.cuda.memory_allocated() / 1e6 if cuda else peak_mb()
    seconds = []
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


# --- all of them ----------------------------------------------------------------------------------


def jobs_of(networks: tuple[str, ...], options: dict, rounds: int) -> list[Job]:
    """All ways of all networks, round by round."""
    return [Job(n, way, **options) for n in networks for _ in range(rounds) for way in WAYS]


def run(jobs: list[Job]) -> pd.DataFrame:
    """Measure one after the other."""
    rows = []
    for job in progress.bar(jobs, "harmonizer benchmark", unit="run"):
        rows.append(asdict(job) | encoding.start(job.command(), job.threads))
    return pd.DataFrame(rows)


def ratios(measured: pd.DataFrame) -> pd.DataFrame:
    """Medians of every way, and how many times time and memory of a cross-entropy step that is."""
    groups = measured.groupby([*SIZE, "way"], sort=False)
    values = ["cpu_seconds", "wall_seconds", "peak_mb", "harmonization"]
    table = groups[values].median().assign(runs=groups.size()).reset_index()
    plain = table[table.way == "cross-entropy"].set_index(SIZE)
    of_network = plain.reindex(pd.MultiIndex.from_frame(table[SIZE]))
    time_of = table.cpu_seconds.where(table.device == "cpu", table.wall_seconds)
    plain_time = of_network.cpu_seconds.to_numpy(), of_network.wall_seconds.to_numpy()
    table["times_plain"] = time_of / pd.Series(plain_time[0]).where(
        table.device == "cpu", plain_time[1]
    )
    table["memory_times_plain"] = table.peak_mb / of_network.peak_mb.to_numpy()
    return table


def claims(table: pd.DataFrame) -> pd.DataFrame:
    """What was asked, of a ResNet-50 on a GPU, and what these measurements say, where they do."""
    rows = []
    gpu = table[(table.network == "resnet50") & (table.device != "cpu")]
    for way, asked in (("harmonizer", 2.6), ("sub-batch", 1.8)):
        for _, row in gpu[gpu.way == way].iterrows():
            name = f"ResNet-50, {row.precision}, {way}: times a cross-entropy step"
            found = row.times_plain
            rows.append({"claim": name, "found": found, "asked": asked, "holds": found <= asked})
    return pd.DataFrame(rows, columns=["claim", "found", "asked", "holds"])


def describe_machine(device: str) -> dict:
    """What ran it."""
    gpu = torch.cuda.get_device_name(device) if torch.device(device).type == "cuda" else None
    return encoding.describe_machine() | {"gpu": gpu}


def main(jobs: list[Job], out: str | Path) -> None:
    """Measure, and write the files."""
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    about = describe_machine(jobs[0].device)
    (folder / "machine.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    measured = run(jobs)
    measured.to_csv(folder / "harmonizer.csv", index=False, float_format="%.6g")
    table = ratios(measured)
    table.to_csv(folder / "harmonizer_ratios.csv", index=False, float_format="%.4g")
    found = claims(table)
    found.to_csv(folder / "harmonizer_claims.csv", index=False, float_format="%.4g")
    print(table.to_string(index=False, float_format="%.3g"))
    if len(found):
        print(found.to_string(index=False, float_format="%.3g"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small networks, five minutes")
    parser.add_argument("--networks", nargs="+", metavar="NAME", help="timm's names")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")
    parser.add_argument("--precision", choices=("float32", "bf16"), default="float32")
    parser.add_argument("--batch", type=int, help="images; 8 on a CPU, 64 on a GPU")
    parser.add_argument("--maps", type=float, default=0.25, help="share of images with a map")
    parser.add_argument("--rounds", type=int, help="processes per measurement")
    parser.add_argument("--out", default="results/bench", help="folder of the results")
    parser.add_argument("--measure", metavar="JSON", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(Job(**json.loads(given.measure)))))
    else:
        chosen = tuple(given.networks or (QUICK if given.quick else FULL))
        shared = {"device": given.device, "precision": given.precision, "maps": given.maps}
        shared["batch"] = given.batch or (8 if given.device == "cpu" else 64)
        main(jobs_of(chosen, shared, given.rounds or (2 if given.quick else 5)), given.out)
