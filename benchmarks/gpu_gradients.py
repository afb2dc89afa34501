"""Part of `gpu.py`: gradients of a harmonizer's step in bf16 and TF32 beside those in float32.

Three losses: cross-entropy alone (what any training in that format lives with), the harmonizer's step
of strength 1, and one of strength 1000, in which the harmonization is nearly all. The networks are as
they are drawn, and after some steps of training, when their saliency is no longer that of noise.
float32 itself is compared with float64, for what its rounding does.
"""

from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial

import torch
from gpu_case import Case, Run
from measure_harmonizer import StepCase, make_batch

from itcortex.harmonizer.loss import harmonizer_loss
from itcortex.networks.preprocessing import Preprocessing
from itcortex.networks.timm_networks import build
from itcortex.training.precision import matmul_precision

NETWORKS, TINY = ("resnet50", "vit_small_patch16_224", "convnext_tiny"), ("test_resnet",)
LOSSES = {"cross-entropy": 0.0, "step": 1.0, "harmonization": 1e3}
BATCH, TRAINED_STEPS = 32, 30
#: A parameter is compared by itself if its gradient is so large a share of all: a key's bias in
#: attention has none but rounding.
_SHARE = 1e-3


def cases(run: Run) -> Iterator[Case]:
    """One for each network, before and after some training."""
    for network in TINY if run.tiny else NETWORKS:
        yield Case(network, 5 if run.tiny else 15, partial(measure, run, network))


def measure(run: Run, network: str) -> list[dict]:
    """Cosines of all gradients together and of each parameter's, for every format, loss and state."""
    size, steps = (4, 2) if run.tiny else (BATCH, TRAINED_STEPS)
    model = build(network, seed=0).to(run.device, memory_format=torch.channels_last).train()
    job = StepCase(network, "harmonizer", size, device=run.device)
    batch = make_batch(job, Preprocessing.of(model).input_size)
    rows = []
    for state in ("drawn", f"after {steps} steps"):
        if state != "drawn":
            _train(run, model, batch, steps)
        for loss, strength in LOSSES.items():
            reference = gradients(run, model, batch, "float32", strength)
            for precision in ("bf16", "tf32", "float64") if run.on_gpu else ("bf16", "float64"):
                other = gradients(run, model, batch, precision, strength)
                about = {"network": network, "batch": size, "state": state, "loss": loss}
                about["compared"] = f"{precision} with float32"
                rows.append(about | compare(reference, other))
    return rows


def gradients(
    run: Run, model: torch.nn.Module, batch: tuple, precision: str, strength: float
) -> dict[str, torch.Tensor]:
    """Gradients in float64 by parameter; the network stays in float32."""
    images, labels, human, tokens = batch
    wide, device = precision == "float64", torch.device(run.device)
    if wide:
        model.double()
        images, human = images.double(), human.double()
    half = precision == "bf16"
    model.zero_grad()
    with matmul_precision(precision, device):
        with torch.autocast(device.type, torch.bfloat16) if half else nullcontext():
            parts = harmonizer_loss(
                model, images, labels, human, tokens, strength=strength, weight_decay=0.0,
                epsilon="relative",
            )  # fmt: skip
        parts.backward()
    found = {n: p.grad.double() for n, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    if wide:
        model.float()
    return found


def compare(reference: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> dict:
    """Cosine of all values, the worst parameter's with its name, and the ratio of lengths."""
    dots = {n: (float((g * other[n]).sum()), float(g.norm()), float(other[n].norm()))
            for n, g in reference.items()}  # fmt: skip
    dot = sum(d for d, _, _ in dots.values())
    length, others = (sum(d[k] ** 2 for d in dots.values()) ** 0.5 for k in (1, 2))
    layers = {
        name: d / max(a * b, 1e-300) for name, (d, a, b) in dots.items() if a > _SHARE * length
    }
    worst = min(layers, key=layers.get)
    return {
        "cosine": dot / (length * others), "length_ratio": others / length,
        "worst_cosine": layers[worst], "worst_parameter": worst,
        "worst_share": dots[worst][1] / length, "parameters": len(layers), "of": len(dots),
    }  # fmt: skip


def _train(run: Run, model: torch.nn.Module, batch: tuple, steps: int) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), 1e-4)
    for _ in range(steps):
        optimizer.zero_grad()
        with matmul_precision("tf32", torch.device(run.device)):
            harmonizer_loss(model, *batch, strength=1.0, epsilon="relative").backward()
        optimizer.step()
