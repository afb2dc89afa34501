"""What a training records of itself: sums over the steps of an epoch, and one row for every epoch."""

import math
import time
from dataclasses import dataclass, field

import torch

from itcortex.harmonizer.loss import LossParts
from itcortex.training.batches import Batch

#: Sums over the images (or steps) of the epoch so far; `noted` counts images with a saliency map.
SUMS = (
    "images", "loss", "cross_entropy", "harmonization", "decay", "correct", "maps", "empty_maps",
    "saliency_std", "noted",
)  # fmt: skip


def sums_of(parts: LossParts, labels: torch.Tensor, n_empty: int) -> torch.Tensor:
    """`SUMS` over a part of a batch, left on the device of the loss, so that nothing waits for it."""
    total = parts.total.detach()
    count = len(labels)
    noted = 0 if parts.saliency_std is None else parts.n_maps
    hits = (parts.logits.argmax(1) == labels.to(total.device)).sum()
    means = (total, parts.cross_entropy, parts.harmonization, parts.decay)
    values = (count, *(mean * count for mean in means), hits, parts.n_maps, n_empty)
    std = parts.saliency_std * noted if noted else 0.0
    kind = torch.float32 if total.device.type == "mps" else torch.float64
    return torch.stack([torch.as_tensor(v, dtype=kind, device=total.device)
                        for v in (*values, std, noted)])  # fmt: skip


@dataclass
class Clock:
    """Time since the clock was started, and how much of it the trainer waited for images."""

    started: float = field(default_factory=time.monotonic)
    images: int = 0
    waited: float = 0.0

    def row(self) -> dict:
        """Seconds, images per second, and the share of the time that was spent waiting for images."""
        seconds = time.monotonic() - self.started
        return {
            "seconds": seconds,
            "images_per_s": self.images / seconds,
            "waiting": self.waited / seconds,
        }


def epoch_row(epoch: int, step: int, rate: float, sums: dict, own: bool = False) -> dict:
    """One row of the history: means over the images of an epoch.

    With the network's `own` labels, what is else its accuracy is its `agreement` with what it said
    before training. `epoch` and `step` count from 1. `saliency_std` is NaN if no saliency map was
    computed; `gradient_norm` is a mean over steps.
    """
    count = sums["images"]
    return {
        "epoch": epoch,
        "step": step,
        "learning_rate": rate,
        **{
            name: sums[name] / count for name in ("loss", "cross_entropy", "harmonization", "decay")
        },
        "agreement" if own else "accuracy": sums["correct"] / count,
        "saliency_std": sums["saliency_std"] / sums["noted"] if sums["noted"] else math.nan,
        "gradient_norm": sums["gradient_norm"] / sums["steps"],
        **{f"n_{name}": int(sums[name]) for name in ("images", "maps", "empty_maps")},
    }


def describe(row: dict, epochs: int) -> str:
    """A row of the history as one line for the log."""
    kind = "accuracy" if "accuracy" in row else "agreement"
    text = (
        f"epoch {row['epoch']} of {epochs}: loss {row['loss']:.4f} "
        f"(harmonization {row['harmonization']:.4g}), {kind} {row[kind]:.1%}"
    )
    if f"validation_{kind}" in row:
        text += f"; validation: {kind} {row[f'validation_{kind}']:.1%}"
    if not math.isnan(row.get("validation_alignment", math.nan)):
        text += f", alignment {row['validation_alignment']:.3f}"
    return text + f"; {row['images_per_s']:.0f} images/s, {row['waiting']:.0%} of it waiting"


def describe_part(batch: Batch, parts: LossParts) -> list[str]:
    """What is known of one part of a batch whose loss is not finite, for the error message."""
    values = ", ".join(
        f"{name} {float(getattr(parts, name).detach()):g}"
        for name in ("total", "cross_entropy", "harmonization", "decay")
    )
    scores = parts.logits.float().isfinite().all(1).cpu()
    bad = [name for name, fine in zip(batch.image_ids, scores, strict=True) if not fine]
    which = f"scores not finite for {', '.join(bad)}; " if bad else ""
    return [f"{values}; {which}images {', '.join(batch.image_ids)}"]
