"""Mappings from a layer to sites by name: what a job fits, and on which targets.

pls
    Partial least squares (the paper), on every window.
ridge
    Ridge regression with a penalty per site; main window only, as all that follow.
reverse
    The other way round: units predicted from sites.
rsa, cka
    Similarity of representations on the held-out images; nothing is fitted, and there is one number
    a fold instead of one a site.
"""

import logging

import numpy as np
import pandas as pd

from itcortex.encoding.protocols import fitter
from itcortex.encoding.raw_scores import raw_scores
from itcortex.encoding.targets import Target
from itcortex.mappings import brainscore, layer_scores, reference
from itcortex.mappings.folds import choose_layers

#: Name given to the only "site" of mappings that give one number a fold.
WHOLE_ARRAY = "all"


class Fits:
    """What several mappings found in the layers of one model, layer by layer."""

    def __init__(
        self,
        kinds: list[str],
        protocol: str,
        targets: list[Target],
        n_components: int,
        rule: str,
        seed: int,
    ):
        self.protocol, self.n_components, self.layers = protocol, n_components, []
        self.fitters = {kind: fitter(kind, protocol, n_components, rule, seed) for kind in kinds}
        main = [target for target in targets if target.main]  # they come first
        self.targets = {kind: targets if kind == "pls" else main for kind in kinds}
        self.results = {kind: [] for kind in kinds}

    def add(self, layer: str, maps: np.ndarray, responses: np.ndarray, fold_of: np.ndarray) -> None:
        """Fit every mapping on one layer; `responses` (target, image, y, x, site)."""
        self.layers.append(layer)
        for kind, fit in self.fitters.items():
            found = fit(maps, responses[: len(self.targets[kind])], fold_of)
            print(f"{layer} {maps.shape[1:]} {kind}")
            if kind == "pls" and found.n_components < self.n_components:
                logging.warning(
                    "%s: numerical rank ended PLS at %d of %d components in some fold",
                    layer, found.n_components, self.n_components,
                )  # fmt: skip
            self.results[kind].append(found)

    def chosen(self, kind: str) -> np.ndarray:
        """Layer (index) chosen for every fold: nested; in the reference, best on the test images."""
        if kind == "pls" and self.protocol == "reference":
            return reference.choose_layers(self.results[kind])
        return choose_layers(np.stack([result.inner for result in self.results[kind]]))

    def table(
        self, labels: dict, depths: dict[str, float], folds: list[str], sites: tuple[str, ...]
    ) -> pd.DataFrame:
        """Raw scores of all mappings, see `itcortex.encoding.raw_scores.raw_scores`."""
        parts = []
        for kind, results in self.results.items():
            per_site = results[0].metrics["r"].shape[2] == len(sites)
            parts.append(
                raw_scores(
                    labels | {"mapping": kind}, self.targets[kind],
                    {layer: depths[layer] for layer in self.layers}, results, self.chosen(kind),
                    folds, sites if per_site else (WHOLE_ARRAY,),
                )
            )  # fmt: skip
        return pd.concat(parts, ignore_index=True)

    def main_predictions(self, fold_of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Chosen layers (fold,) and held-out predictions (image, y, x, site) of the first mapping."""
        kind = next(iter(self.results))
        chosen = self.chosen(kind)
        if self.protocol == "brainscore":
            return chosen, brainscore.chosen_predictions(self.results[kind], chosen, fold_of)
        return chosen, layer_scores.chosen_predictions(self.results[kind], chosen, fold_of)
