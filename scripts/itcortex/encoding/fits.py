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
from collections.abc import Callable

import numpy as np
import pandas as pd

from itcortex.encoding.protocols import PROTOCOLS, nested_choice
from itcortex.encoding.raw_scores import raw_scores
from itcortex.encoding.targets import Target
from itcortex.mappings import reverse
from itcortex.mappings.features import effective_dimensionality, number_of_units
from itcortex.mappings.folds import Division
from itcortex.mappings.layer_scores import LayerScores

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
    ):
        self.protocol, self.n_components, self.seed = PROTOCOLS[protocol], n_components, seed
        self.layers: list[str] = []
        self.fitters, self.control_fitters = (
            {kind: self.protocol.fitter(kind, n_components, rule, seed, nested) for kind in kinds}
            for nested in (True, False)
        )
        main = [target for target in targets if target.main]  # they come first
        self.targets = {kind: targets if kind == "pls" else main for kind in kinds}
        self.results = {kind: [] for kind in kinds}
        self.control_targets: list[Target] = []
        self.controls: dict[str, dict[int, LayerScores]] = {kind: {} for kind in kinds}
        self.dimensions: dict[str, float] = {}
        self.units: dict[str, int] = {}
        self.bounds: dict[str, np.ndarray] = {}

    def add(self, layer: str, maps: np.ndarray, responses: np.ndarray, division: Division) -> None:
        """Fit every mapping on one layer; `responses` (target, image, y, x, site)."""
        self.layers.append(layer)
        for kind, fit in self.fitters.items():
            result = fit(maps, responses[: len(self.targets[kind])], division)
            _log.info(f"{layer} {maps.shape[1:]} {kind}")
            if kind == "pls" and result.n_components < self.n_components:
                _log.warning(
                    "%s: numerical rank ended PLS at %d of %d components in some fold",
                    layer, result.n_components, self.n_components,
                )  # fmt: skip
            self.results[kind].append(result)

    def add_control(
        self,
        targets: list[Target],
        responses: np.ndarray,
        division: Division,
        read: Callable[[str], np.ndarray],
        trials: np.ndarray | None = None,
    ) -> None:
        """Fit every mapping to shuffled responses, on the layers that it chose for the real ones.

        Of these layers the effective dimensionality and the number of units are noted too, and with
        `trials` (image, y, x, site, repeat) what the reverse direction can reach. `responses` (target,
        image, y, x, site) are those of `targets`; `read` gives a layer's maps.
        """
        self.control_targets = targets
        chosen = {kind: set(self.chosen(kind).tolist()) for kind in self.results}
        for index in sorted(set.union(*chosen.values())):
            maps = read(self.layers[index])
            grid = responses.shape[2:4]
            layer = self.layers[index]
            self.dimensions[layer] = effective_dimensionality(maps, grid)
            self.units[layer] = number_of_units(maps, grid)
            if trials is not None and index in chosen.get(REVERSE, ()):
                rng = np.random.default_rng(self.seed)
                self.bounds[layer] = reverse.prediction_bound(maps, trials, division.fold_of, rng)
            for kind, fit in self.control_fitters.items():
                if index in chosen[kind]:
                    self.controls[kind][index] = fit(maps, responses, division)

    def chosen(self, kind: str) -> np.ndarray:
        """Layer (index) chosen for every fold; how PLS chooses is the protocol's."""
        choose = self.protocol.choose if kind == "pls" else nested_choice
        return choose(self.results[kind])

    def usual_layer(self) -> str:
        """The layer that the first mapping chose for most folds."""
        kind = next(iter(self.results))
        return self.layers[np.bincount(self.chosen(kind)).argmax()]

    def table(
        self, labels: dict, depths: dict[str, float], folds: tuple[str, ...], sites: tuple[str, ...]
    ) -> pd.DataFrame:
        """Raw scores of all mappings, see `itcortex.encoding.raw_scores.raw_scores`.

        `effective_dimensionality` and `n_units` are those of a row's layer, known of layers that some
        mapping chose; `reverse_bound` is there where single trials are, in rows of `reverse`.
        Of the control there are rows for the layers that were chosen, each in its folds.
        """
        labels = labels | {"protocol": self.protocol.name}
        depths = {layer: depths[layer] for layer in self.layers}
        tables = []
        for kind, results in self.results.items():
            per_site = results[0].metrics["r"].shape[2] == len(sites)
            of, chosen = labels | {"mapping": kind}, self.chosen(kind)
            units = sites if per_site else (WHOLE_ARRAY,)
            tables.append(raw_scores(of, self.targets[kind], depths, results, chosen, folds, units))
            if control := self.controls[kind]:
                used = {self.layers[index]: depths[self.layers[index]] for index in control}
                place = np.array([list(control).index(layer) for layer in chosen])
                table = raw_scores(
                    of, self.control_targets, used, [*control.values()], place, folds, units
                )
                tables.append(table[table["chosen"]])
        joined = pd.concat(tables, ignore_index=True)
        texts = [*labels, "mapping", "control", "layer", "fold", "site"]
        layers = joined["layer"].astype(str)
        joined = joined.assign(
            effective_dimensionality=layers.map(self.dimensions).astype(float),
            n_units=layers.map(self.units).astype(float),
        )
        if self.bounds:
            known = {(layer, fold): value for layer, values in self.bounds.items()
                     for fold, value in zip(folds, values, strict=True)}  # fmt: skip
            of = zip(layers, joined["fold"].astype(str), strict=True)
            bounds = pd.Series([known.get(key, np.nan) for key in of], index=joined.index)
            joined["reverse_bound"] = bounds.where(joined["mapping"].astype(str) == REVERSE)
        return joined.astype(dict.fromkeys(texts, "category"))

    def main_predictions(self, division: Division) -> tuple[np.ndarray, np.ndarray]:
        """Chosen layers (fold,) and held-out predictions (image, y, x, site) of the first mapping."""
        kind = next(iter(self.results))
        chosen = self.chosen(kind)
        return chosen, self.protocol.held_out(self.results[kind], chosen, division)
