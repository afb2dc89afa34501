"""Mappings from a layer to sites by name: what a job fits, and on which targets.

pls
    Partial least squares (the paper), on every window.
ridge
    Ridge regression with a penalty for each site; on the main window only, as all that follow.
reverse
    The other way round: units of the layer are predicted from the sites.
rsa, cka
    Similarity of representations on the held-out images. Nothing is fitted, and there is one number
    for each fold instead of one for each site.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from itcortex.encoding.places import HOST, Place
from itcortex.encoding.protocols import PROTOCOLS, nested_choice
from itcortex.encoding.raw_scores import raw_scores
from itcortex.encoding.ridge_options import RIDGE, RidgeOptions
from itcortex.encoding.targets import Target
from itcortex.mappings import reverse
from itcortex.mappings.features import effective_dimensionality, loudest_unit, number_of_units
from itcortex.mappings.folds import Division
from itcortex.mappings.layer_scores import (
    AT_EDGE,
    LOUD_UNIT,
    LayerPredictions,
    LayerScores,
    of_target,
)

_log = logging.getLogger(__name__)

#: Name given to the only "site" of mappings that give one number for each fold.
WHOLE_ARRAY = "all"
#: The mapping whose features, and not its targets, have noise.
REVERSE = "reverse"


class Fits:
    """What several mappings find in the layers of one model, layer by layer."""

    def __init__(
        self,
        kinds: list[str],
        protocol: str,
        targets: list[Target],
        n_components: int,
        rule: str,
        seed: int,
        ridge: RidgeOptions = RIDGE,
        place: Place = HOST,
        pca: int | str | None = None,
    ):
        self.protocol, self.n_components, self.seed = PROTOCOLS[protocol], n_components, seed
        self.layers: list[str] = []
        more = {"rule": rule, "seed": seed, "ridge": ridge, "place": place, "pca": pca}
        self.fitters, self.control_fitters = (
            {
                kind: self.protocol.fitter(kind, n_components, **more, nested=nested)
                for kind in kinds
            }
            for nested in (True, False)
        )
        self.ridge = ridge
        main = [target for target in targets if target.main]  # they come first
        self.targets = {kind: targets if kind == "pls" else main for kind in kinds}
        self.results = {kind: [] for kind in kinds}
        self.control_targets: list[Target] = []
        self.controls: dict[str, dict[int, LayerScores]] = {kind: {} for kind in kinds}
        self.dimensions: dict[str, float] = {}
        self.units: dict[str, int] = {}
        self.bounds: dict[str, reverse.Bounds] = {}
        self.loudest = np.nan

    def add(self, layer: str, maps: np.ndarray, responses: np.ndarray, division: Division) -> None:
        """Fit every mapping on one layer; `responses` (target, image, y, x, site)."""
        self.layers.append(layer)
        self.units[layer] = number_of_units(maps, responses.shape[2:4])
        self._look_for_loud_units(layer, maps, responses.shape[2:4])
        for kind, fit in self.fitters.items():
            result = fit(maps, responses[: len(self.targets[kind])], division)
            _log.info(f"{layer} {maps.shape[1:]} {kind}")
            if kind == "pls" and result.n_components < self.n_components:
                _log.warning(
                    "%s: numerical rank ended PLS at %d of %d components in some fold",
                    layer, result.n_components, self.n_components,
                )  # fmt: skip
            self._warn_of_edges(layer, result)
            if getattr(result, "dimensionality", None) is not None:
                self.dimensions[layer] = result.dimensionality
            self.results[kind].append(result)
            self._let_go(kind)

    def _look_for_loud_units(self, layer: str, maps: np.ndarray, grid: tuple[int, int]) -> None:
        """Note how loud the loudest unit is; say in the log if others are hardly seen beside it."""
        found = loudest_unit(maps, grid)
        self.loudest = np.fmax(self.loudest, found)
        if found > LOUD_UNIT:
            _log.warning(
                "%s: a unit varies %.3g times as much as the median unit: ridge, RSA, CKA and `reduce: "
                "kind: pca` hardly see the others, and PLS spends a component on it; take another "
                "layer, or one behind a normalisation", layer, found,
            )  # fmt: skip

    def _warn_of_edges(self, layer: str, result: LayerScores) -> None:
        """Say in the log where the best penalty of many sites is at an end of the grid."""
        penalties = getattr(result, "penalties", None)
        if penalties is None:
            return
        smallest = np.mean(penalties[0] == self.ridge.penalties[0])
        largest = np.mean(penalties[0] == self.ridge.penalties[-1])
        if max(smallest, largest) >= AT_EDGE:
            _log.warning(
                "%s: the best penalty is the smallest that was tried for %.0f %% of sites and the "
                "largest for %.0f %%; widen encoding: ridge: penalties (of sites that a layer does not "
                "predict the largest is always best)", layer, 100 * smallest, 100 * largest,
            )  # fmt: skip

    def _let_go(self, kind: str) -> None:
        """Drop predictions that no fold will ask for: of layers that are not the best so far."""
        results = self.results[kind]
        if kind != next(iter(self.results)):
            kept = set()
        elif self._choice(kind) is nested_choice:
            kept = set(self.chosen(kind).tolist())
        else:
            return
        for index, result in enumerate(results):
            if index not in kept:
                results[index] = _without_predictions(result)

    def add_control(
        self,
        targets: list[Target],
        responses: Sequence[np.ndarray],
        division: Division,
        read: Callable[[str], np.ndarray],
        repeats: reverse.Repeats | None = None,
    ) -> None:
        """Fit every mapping to shuffled responses, on the layers that it chose for the real ones.

        Of these layers the effective dimensionality is noted too, unless a fit gave it, and with
        `repeats` of the test images what the reverse direction can reach; the log says where that is
        not known. `responses` (target, image, y, x, site) are those of `targets`; `read` gives maps.
        """
        self.control_targets = targets
        chosen = {kind: set(self.chosen(kind).tolist()) for kind in self.results}
        unknown = reverse.without_bound(repeats, division)
        if unknown and REVERSE in self.results:
            _log.warning("reverse: no bound that the noise of the sites sets: %s", unknown)
        for index in sorted(set.union(*chosen.values())):
            layer = self.layers[index]
            maps, grid = read(layer), responses[0].shape[1:3]
            if layer not in self.dimensions:
                self.dimensions[layer] = effective_dimensionality(maps, grid)
            if not unknown and index in chosen.get(REVERSE, ()):
                rng = np.random.default_rng(self.seed)
                found = reverse.prediction_bounds(maps, repeats, division, rng)
                self.bounds[layer] = reverse.Bounds.of(found, rng)
            for kind, fit in self.control_fitters.items():
                if index in chosen[kind]:
                    found = fit(maps, responses, division)
                    self.controls[kind][index] = _without_predictions(found)

    def chosen(self, kind: str) -> np.ndarray:
        """Layer (index) chosen for every fold; how PLS chooses is the protocol's."""
        return self._choice(kind)(self.results[kind])

    def _choice(self, kind: str) -> Callable[[list[LayerScores]], np.ndarray]:
        return self.protocol.choose if kind == "pls" else nested_choice

    def usual_layer(self) -> str:
        """The layer that the first mapping chose for most folds."""
        kind = next(iter(self.results))
        return self.layers[np.bincount(self.chosen(kind)).argmax()]

    def table(self, *args, **more) -> pd.DataFrame:
        """The rows of `blocks`, which takes the same arguments, in one table."""
        return pd.concat(self.blocks(*args, **more), ignore_index=True)

    def blocks(
        self,
        labels: dict,
        depths: dict[str, float],
        folds: tuple[str, ...],
        sites: tuple[str, ...],
    ) -> Iterator[pd.DataFrame]:
        """Raw scores of all mappings, see `itcortex.encoding.raw_scores.raw_scores`, layer by layer.

        `effective_dimensionality` and `n_units` are those of a row's layer, the first known of layers
        that some mapping chose, and of all where ridge regression leaves out images; `loudest_unit` is
        the largest of all layers; `reverse_bound` is there where trials of the test images are, in rows
        of `reverse`, with a layer's interval beside it. Of the control there are rows for the layers
        that were chosen, each in its folds. A block has the rows of one mapping, layer and, in the
        control, permutation.
        """
        labels = labels | {"protocol": self.protocol.name}
        whole = {kind: self._is_whole(kind, sites) for kind in self.results}
        texts = {name: [value] for name, value in labels.items()}
        texts |= {"mapping": [*self.results], "layer": self.layers, "fold": folds}
        texts["site"] = [*(sites if not all(whole.values()) else ())]
        texts["site"] += [WHOLE_ARRAY] if any(whole.values()) else []
        texts["control"] = list(
            dict.fromkeys(
                target.control
                for kind, targets in self.targets.items()
                for target in [*targets, *(self.control_targets if self.controls[kind] else [])]
            )
        )
        types = {name: pd.CategoricalDtype(sorted(set(values))) for name, values in texts.items()}
        for kind, results in self.results.items():
            of, chosen = labels | {"mapping": kind}, self.chosen(kind)
            names = (WHOLE_ARRAY,) if whole[kind] else sites
            parts = [(index, result, self.targets[kind]) for index, result in enumerate(results)]
            control = sorted(self.controls[kind].items())
            parts += [(index, result, self.control_targets) for index, result in control]
            for number, (index, result, targets) in enumerate(parts):
                one = {self.layers[index]: depths[self.layers[index]]}
                place = np.where(chosen == index, 0, -1)
                for block in _by_target(result, targets, split=number >= len(results)):
                    table = raw_scores(of, block[1], one, [block[0]], place, folds, names, types)
                    if number >= len(results):
                        table = table[table["chosen"]]
                    yield self._described(table, kind, index, folds)

    def _described(
        self, table: pd.DataFrame, kind: str, index: int, folds: tuple[str, ...]
    ) -> pd.DataFrame:
        """Rows of one mapping and layer with what is known of the layer."""
        layer = self.layers[index]
        table = table.assign(
            effective_dimensionality=self.dimensions.get(layer, np.nan),
            n_units=float(self.units.get(layer, np.nan)),
            loudest_unit=float(self.loudest),
        )
        if not self.bounds:
            return table
        known = self.bounds.get(layer) if kind == REVERSE else None
        by_fold = {} if known is None else dict(zip(folds, known.by_fold, strict=True))
        bounds = [by_fold.get(fold, np.nan) for fold in table["fold"].astype(str)]
        return table.assign(
            reverse_bound=np.array(bounds, float),
            reverse_bound_low=np.nan if known is None else known.low,
            reverse_bound_high=np.nan if known is None else known.high,
        )

    def _is_whole(self, kind: str, sites: tuple[str, ...]) -> bool:
        """Whether a mapping has one number for all sites."""
        return self.results[kind][0].metrics["r"].shape[2] != len(sites)

    def main_predictions(self, division: Division) -> tuple[np.ndarray, np.ndarray]:
        """Chosen layers (fold,) and held-out predictions (image, y, x, site) of the first mapping."""
        kind = next(iter(self.results))
        chosen = self.chosen(kind)
        return chosen, self.protocol.held_out(self.results[kind], chosen, division)


def _without_predictions(result: LayerScores) -> LayerScores:
    """The scores alone, which take little room; splits' own predictions stay."""
    return replace(result, predictions=None) if type(result) is LayerPredictions else result


def _by_target(
    result: LayerScores, targets: list[Target], split: bool
) -> Iterator[tuple[LayerScores, list[Target]]]:
    """A layer's scores with their targets: all at once, or one target after the other."""
    if not split:
        yield result, targets
        return
    for number, target in enumerate(targets):
        yield of_target(result, number), [target]
