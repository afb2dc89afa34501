"""What the parts of `gpu.py` share: where they run, how they take time, and what they measure."""

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import torch


@dataclass(frozen=True)
class Run:
    """One part's run: its device, whether sizes are tiny, and when it has to be over."""

    device: str
    tiny: bool
    ends: float  # of time.monotonic()

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.ends - time.monotonic()

    @property
    def on_gpu(self) -> bool:
        """Whether the device is a CUDA GPU."""
        return torch.device(self.device).type == "cuda"

    def wait(self) -> None:
        """Wait until the GPU has done all that was asked of it."""
        if self.on_gpu:
            torch.cuda.synchronize()

    def seconds(self, function: Callable[[], object]) -> float:
        """Seconds on the wall of one call, from an idle GPU to an idle GPU."""
        self.wait()
        start = time.perf_counter()
        function()
        self.wait()
        return time.perf_counter() - start

    def begin_peak(self) -> None:
        """From now on the GPU's largest memory counts."""
        if self.on_gpu:
            torch.cuda.reset_peak_memory_stats()

    def peak_mb(self, before: float = 0.0) -> float:
        """The largest memory of tensors since `begin_peak`, less `before` (MB); NaN on a CPU."""
        return torch.cuda.max_memory_allocated() / 1e6 - before if self.on_gpu else float("nan")

    def held_mb(self) -> float:
        """Memory of the GPU's tensors now (MB); 0 on a CPU."""
        return torch.cuda.memory_allocated() / 1e6 if self.on_gpu else 0.0


@dataclass(frozen=True)
class Case:
    """One measurement: its name, seconds that it takes at most, and what gives its rows."""

    name: str
    seconds: float
    rows: Callable[[], list[dict]]


def describe(device: str) -> dict:
    """Card, driver's and libraries' versions, and processor."""
    about = {"device": device, "card": "none", "processor": platform.machine()}
    if torch.device(device).type == "cuda":
        card = torch.cuda.get_device_properties(device)
        about |= {
            "card": card.name,
            "memory_gb": round(card.total_memory / 1e9, 1),
            "capability": f"{card.major}.{card.minor}",
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
        }
    about |= {"threads": torch.get_num_threads(), "python": platform.python_version()}
    for package in ("torch", "torchvision", "timm", "numpy", "scipy", "h5py", "isal"):
        try:
            about[package] = version(package)
        except PackageNotFoundError:
            about[package] = "not installed"
    return about
