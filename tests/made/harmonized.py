"""A small network of smooth layers, and a batch of images of which some have human maps."""

import torch
from torch import nn


def small(norm=False, seed=0):
    """A smooth network of 5 classes for images of 16 x 16 (float64)."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers = [nn.Conv2d(3, 6, 3, 2), nn.BatchNorm2d(6) if norm else nn.Identity(), nn.GELU()]
        return nn.Sequential(
            *layers, nn.Conv2d(6, 8, 3), nn.Tanh(), nn.Flatten(), nn.Linear(8 * 25, 5)
        ).double()


def batch(n=4, maps=2, size=16, seed=0):
    """Images, labels, human maps and tokens; the first `maps` images have a map."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(n, 3, size, size, generator=generator, dtype=torch.float64)
    human = torch.rand(n, size, size, generator=generator, dtype=torch.float64)
    return images, torch.arange(n) % 5, human, (torch.arange(n) < maps).double()
