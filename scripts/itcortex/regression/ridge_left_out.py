"""Errors on training rows that a ridge regression left out, exactly and without another fit."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from itcortex.regression.ridge_spectrum import Spectrum

_ROWS = 2048  # left-out rows at a time
_SITES = 512  # sites at a time


@dataclass(frozen=True)
class LeftOut:
    """Groups of training rows that are left out one by one, with the other rows' spectrum.

    Attributes
    ----------
    blocks : list of int arrays (group, row)
        Groups of one size, as indices among the training rows.
    absolute : penalties that are tried, in units of the features' squares.
    """

    spectrum: Spectrum
    blocks: list[np.ndarray]
    absolute: list[float]
    arrays: object

    @classmethod
    def drawn(
        cls, spectrum: Spectrum, groups: np.ndarray, rows: int, seed: int, absolute, arrays
    ) -> "LeftOut":
        """All groups, or random ones with about so many `rows`; `groups` (training row,) from 0."""
        by_size: dict[int, list[np.ndarray]] = {}
        for members in _draw(groups, rows, seed):
            by_size.setdefault(len(members), []).append(members)
        blocks = []
        for size, members in by_size.items():
            step = max(1, _ROWS // size)
            starts = range(0, len(members), step)
            blocks += [np.stack(members[start : start + step]) for start in starts]
        return cls(spectrum, blocks, absolute, arrays)

    @property
    def count(self) -> int:
        """Rows that are left out in turn."""
        return sum(block.size for block in self.blocks)

    @cached_property
    def _scores(self) -> list:
        """Rows of every block in the eigenvectors, which every set of responses needs."""
        return [self.spectrum.scores(block.ravel()) for block in self.blocks]

    def errors(self, responses, cross) -> tuple[np.ndarray, np.ndarray]:
        """Mean squared errors of the left-out rows: (penalty, site), and of the others' mean (site,).

        `responses` (training row, site) are centred and on the device, `cross` is their Z'Y.
        """
        total = np.zeros((len(self.absolute) + 1, responses.shape[1]))
        for rows, scores in zip(self.blocks, self._scores, strict=True):
            total += self._of_block(rows, scores, responses[rows.ravel()], cross)
        total /= self.count
        return total[:-1], total[-1]

    def _of_block(self, rows, scores, observed, cross) -> np.ndarray:
        """Summed squared errors (penalty, site) of groups (group, row); the last is no fit at all."""
        count, size = rows.shape
        summed = np.zeros((len(self.absolute) + 1, observed.shape[1]))
        for index, (shrunk, left) in enumerate(self._residual_makers(scores, count, size)):
            for start in range(0, observed.shape[1], _SITES):
                sites = slice(start, start + _SITES)
                rest = observed[:, sites]
                if shrunk is not None:
                    rest = rest - scores @ (shrunk[:, None] * cross[:, sites])
                if size == 1:
                    rest = rest * left[:, None]
                else:
                    rest = (left @ rest.reshape(count, size, -1)).reshape(count * size, -1)
                summed[index, sites] = self.arrays.squares(rest)
        return summed

    def _residual_makers(self, scores, count: int, size: int) -> Iterator[tuple]:
        """(L + a)^-1 (k,), and (I - 1/n - Z_g (L + a)^-1 Z_g')^-1 of every group, for every penalty.

        The second is (group,) of single rows, else (group, row, row). The last are those of no fit at
        all: None, and (I - 1/n)^-1.
        """
        n, arrays = len(self.spectrum.rows), self.arrays
        shrunk = 1 / (self.spectrum.values[:, None] + arrays.put(np.array(self.absolute))[None])
        if size == 1:
            leverages = scores**2 @ shrunk
            for index in range(len(self.absolute)):
                yield shrunk[:, index], 1 / (1 - 1 / n - leverages[:, index])
            yield None, 1 / (1 - 1 / n - 0 * leverages[:, 0])
            return
        groups = scores.reshape(count, size, -1)
        without = arrays.eye(size)[None] - 1 / n + arrays.zeros(count, 1, 1)
        for index in range(len(self.absolute)):
            inside = (groups * shrunk[:, index]) @ arrays.swap(groups)
            yield shrunk[:, index], arrays.inverse(without - inside)
        yield None, arrays.inverse(without)


def _draw(groups: np.ndarray, rows: int, seed: int) -> list[np.ndarray]:
    """Rows of each group that is left out: all, or random groups with about so many rows."""
    order = np.argsort(groups, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(groups))[:-1])
    if len(groups) <= rows:
        return members
    drawn = np.random.default_rng(seed).permutation(len(members))
    until = np.searchsorted(np.cumsum([len(members[k]) for k in drawn]), rows) + 1
    return [members[k] for k in sorted(drawn[:until])]
