"""How large weights may become: finite weights may be as useless as infinite ones.

Every tensor is compared with its own start, since one ruined small layer does not show in the size of a
whole network. A size is the root of the mean square of a tensor's values. A tensor that starts at zero,
or nearly (biases, scales of residual branches), has no size of its own to grow from: where it starts
below a hundredth of the typical size, the mean over the tensors that do not start at zero, it may become
as large as one that starts with the typical size.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

_NEAR_ZERO = 0.01  # as a share of the typical size


@dataclass(frozen=True)
class Bounds:
    """What the weights of one network may become: `growth` times as large as at the start.

    `starts` is the size of each tensor at the start, by name, or the typical size; `total` the norm of
    all weights then.
    """

    growth: float
    starts: dict[str, float]
    total: float

    @classmethod
    def of(cls, model: nn.Module, growth: float) -> "Bounds":
        """The bounds of a network that starts as `model` is now."""
        sizes = sizes_of(model)
        own = np.array([*sizes.values()])
        typical = float(own[own > 0].mean()) if (own > 0).any() else 0.0
        starts = np.where(own < _NEAR_ZERO * typical, typical, own).tolist()
        return cls(growth, dict(zip(sizes, starts, strict=True)), norm_of(model))

    def exceeded(self, model: nn.Module) -> str:
        """What of `model` has outgrown its bounds, worst first, in words; empty where nothing has."""
        sizes, starts = sizes_of(model), self.starts
        times = {name: size / starts[name] for name, size in sizes.items() if starts[name]}
        worst = sorted((n for n in times if times[n] > self.growth), key=times.get, reverse=True)
        norm = norm_of(model)
        if worst:
            name = worst[0]
            more = f" and {len(worst) - 1} more tensors" if worst[1:] else ""
            text = (
                f"{name} of size {sizes[name]:.3g} (root mean square), {times[name]:.3g} times the "
                f"{starts[name]:.3g} of the start,{more}"
            )
        elif norm > self.growth * self.total:
            what = f"weights of size {norm:.3g} (root of the sum of squares)"
            text = f"{what}, {self.total:.3g} at the start,"
        else:
            return ""
        return f"{text} and at most {self.growth:g} times as large is allowed (largest_growth)"


def sizes_of(model: nn.Module) -> dict[str, float]:
    """Root mean square of every weight and bias by name, with one transfer from the GPU."""
    named = [(name, p) for name, p in model.named_parameters() if p.numel()]
    if not named:
        return {}
    with torch.no_grad():
        norms = torch.stack([p.float().norm() for _, p in named]).tolist()
    return {name: norm / math.sqrt(p.numel()) for (name, p), norm in zip(named, norms, strict=True)}


def norm_of(model: nn.Module) -> float:
    """Root of the sum of squares of all weights and biases; inf where float32 cannot hold it."""
    with torch.no_grad():
        norms = [p.float().norm() for p in model.parameters()]
        return float(torch.stack(norms).norm())
