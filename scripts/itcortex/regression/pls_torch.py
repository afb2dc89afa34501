"""The large products of `itcortex.regression.pls` in float64 on a torch device, arrays resident.

Features, cross-products, weights and loadings stay on the device; between components only the
moments (site x site), the chosen combinations of sites and the held-out scores cross over. There is
one form, t = X r and p = X't: a device fast enough to be worth the trip gains nothing from the others.
"""

import numpy as np
import torch

from itcortex.regression.arrays_torch import found_device
from itcortex.regression.pls_engines import Direct, feature_means, response_means, training_groups


class Torch(Direct):
    """Engine whose features live on a torch device."""

    def __init__(self, design, device: str):
        super().__init__(design)
        self.device = found_device(device)
        self.rows, self.ones = self.put(design.rows), self.put(design.ones)

    def put(self, array: np.ndarray) -> torch.Tensor:
        """A float64 copy on the device."""
        return torch.tensor(array, dtype=torch.float64, device=self.device)

    def start(self, responses, problems):
        """State of a chunk of problems before the first component."""
        return _Resident(self, responses, problems)


class _Resident:
    """Problems in channel space, S = X_c'Y (problem, site, channel) on the device."""

    def __init__(self, engine, responses, problems):
        self.engine, self.problems = engine, problems
        design = engine.design
        self.n, self.means = response_means(design, responses, problems)
        self.x_means = engine.put(feature_means(design, problems, self.n))
        train = np.ones((len(problems), len(design.rows)))
        self.cross = engine.put(-(self.n[:, None] * self.means)[:, :, None]) * self.x_means[:, None]
        target, parts = None, None
        for index, problem in enumerate(problems):
            if problem.target != target:
                target = problem.target
                slices = [design.group(g) for g in range(design.n_groups)]
                y = engine.put(responses[target])
                parts = torch.stack([y[rows].T @ engine.rows[rows] for rows in slices])
            self.cross[index] += parts[training_groups(design, problem)].sum(0)
            for g in problem.held_out:
                train[index, design.group(g)] = 0
        self.train = engine.put(train)
        self.loadings, self.weights = [], []

    def moments(self):
        """S'S (problem, site, site), on the host."""
        return (self.cross @ self.cross.mT).cpu().numpy()

    def advance(self, vectors, powers):
        """Weights r of the next component; returns (X_c't on the device, t't on the host)."""
        scale = np.where(powers > 0, np.sqrt(np.abs(powers)), 1.0)
        w = (self.engine.put(vectors / scale[:, None])[:, None] @ self.cross)[:, 0]
        r = w.clone()
        for p, previous in zip(self.loadings, self.weights, strict=True):
            r -= (p * w).sum(1, keepdim=True) * previous
        t = r @ self.engine.rows.T
        t -= (self.x_means * r).sum(1, keepdim=True) * self.engine.ones
        self.held = t.cpu().numpy()
        t = t * self.train
        products = t @ self.engine.rows
        products -= (t @ self.engine.ones)[:, None] * self.x_means
        self.weights.append(r)
        return products, (t * t).sum(1).cpu().numpy()

    def deflate(self, products, variance):
        """Take the component out of S; returns the responses' loadings q (problem, site)."""
        scale = self.engine.put(1 / variance)[:, None]
        q = (self.cross @ self.weights[-1][:, :, None])[:, :, 0] * scale
        self.cross.baddbmm_(q[:, :, None], products[:, None], alpha=-1.0)
        self.loadings.append(products * scale)
        return q.cpu().numpy()

    def held_out_scores(self):
        """Scores of the held-out rows of every problem for the latest component."""
        design = self.engine.design
        return [
            np.concatenate([self.held[index, design.group(g)] for g in problem.held_out])
            for index, problem in enumerate(self.problems)
        ]
