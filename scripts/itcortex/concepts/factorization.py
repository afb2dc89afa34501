"""Concepts of a layer: non-negative matrix factorisation of the activations of crops (CRAFT).

With activations A (crop, channel), none below zero, concepts are the rows of W (concept, channel) in

    min |A - U W|^2   over U, W >= 0

(Fel et al., CVPR 2023; Lee & Seung 1999), U (crop, concept) saying how much of each concept a crop has.
Concepts of one seed are the same on every run; those of another seed may differ, because the minimum
that is found is a local one. Rows of W have length 1: the size of activations is in U.
"""

import logging
import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import NMF, non_negative_factorization
from sklearn.exceptions import ConvergenceWarning

from itcortex.errors import UserError
from itcortex.numerics.metrics import varies

_log = logging.getLogger(__name__)

#: Steps of scikit-learn's coordinate descent, at most, and the relative change at which it ends: where
#: concepts are found, and where they are known.
_STEPS, _FINDING, _KNOWN = 1000, 1e-4, 1e-6
#: Rows that are taken apart at a time.
_ROWS = 16_384
#: Length of a concept, relative to the longest, below which it is none.
_NOTHING = 1e-9


@dataclass(frozen=True)
class Concepts:
    """Concepts of a layer.

    Attributes
    ----------
    basis : float64 array (concept, channel)
        W: activations that a concept stands for, each of length 1.
    strengths : float64 array (crop, concept)
        U: how much of each concept the crops have that they were found in.
    explained : float
        Share of the crops' squared activations that concepts rebuild, 1 - |A - U W|^2 / |A|^2.
    """

    basis: np.ndarray
    strengths: np.ndarray
    explained: float

    def ordered(self, order: np.ndarray) -> "Concepts":
        """The same concepts in another order (index)."""
        return Concepts(self.basis[order], self.strengths[:, order], self.explained)


def find_concepts(activations: np.ndarray, number: int, seed: int, where: str) -> Concepts:
    """`number` concepts of activations (crop, channel), none of which is below zero.

    `where` begins messages: the layer. Raises `UserError` for activations that are not finite, that are
    all zero or do not vary; for more concepts than crops or channels; and if fewer are found.
    """
    n_crops, n_channels = activations.shape
    if not np.isfinite(activations).all():
        raise UserError(
            f"{where}: activations of crops are not finite; check the network's weights"
        )
    if not activations.any():
        raise UserError(
            f"{where}: no activation of any crop is above zero, so that it has no parts; name another "
            "layer of the network in the column `layers`"
        )
    if not varies(activations).any():
        raise UserError(
            f"{where}: all crops have the same activations, so that nothing tells concepts apart; name "
            "another layer of the network in the column `layers`"
        )
    if number > min(n_crops, n_channels):
        raise UserError(
            f"concepts: number: {number} concepts are more than {where} has channels ({n_channels}) or "
            f"there are crops ({n_crops}); ask for fewer, or for more `crops`"
        )
    values = activations.astype(np.float64)
    size = np.sqrt(np.mean(values**2))  # tolerances are of values about 1
    factors = NMF(number, init="nndsvda", random_state=seed, tol=_FINDING, max_iter=_STEPS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # told below, with the layer's name
        strengths = factors.fit_transform(values / size)
    if factors.n_iter_ >= _STEPS:
        _log.warning("%s: concepts still moved after %d steps; they are rougher", where, _STEPS)
    lengths = np.linalg.norm(factors.components_, axis=1)
    used = (lengths > _NOTHING * lengths.max()) & strengths.any(0)
    if not used.all():
        raise UserError(
            f"concepts: number: {where} has no more than {used.sum()} concepts in these crops; ask for "
            "fewer"
        )
    basis, strengths = factors.components_ / lengths[:, None], strengths * lengths * size
    missed = np.linalg.norm(values - strengths @ basis) / np.linalg.norm(values)
    return Concepts(basis, strengths, float(1 - missed**2))


def take_apart(values: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """How much of each concept is in activations (..., channel): array (..., concept), at least 0.

    The U that minimises |A - U W|^2 for the W of `find_concepts`; what is below zero in the activations
    counts as zero.
    """
    rows = np.maximum(values.reshape(-1, values.shape[-1]), 0).astype(np.float64)
    size = np.sqrt(np.mean(rows**2)) or 1.0
    parts = [
        non_negative_factorization(
            rows[start : start + _ROWS] / size, H=basis, n_components=len(basis), init="custom",
            update_H=False, tol=_KNOWN, max_iter=_STEPS,
        )[0]
        for start in range(0, len(rows), _ROWS)
    ]  # fmt: skip
    return (np.concatenate(parts) * size).reshape(*values.shape[:-1], len(basis))
