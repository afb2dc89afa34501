"""Rule score_shortcut: whether one network reads the object or the shortcut, and where it looks."""

import numpy as np
import pandas as pd

from itcortex import store
from itcortex.attention import shortcut
from itcortex.numerics.sampling import spread
from itcortex.running import job
from itcortex.tables.shortcut import trained_with
from itcortex.weights.loaded import load_network


def main(
    intact, broken, weights, scores, examples, labels, network, n_aligned, patch, stride,
    n_examples, device,
):  # fmt: skip
    """Measure one network on both sets of test images; keep the maps of a few for the figure.

    Strength and seed of its training are those that the weights file notes.
    """
    loaded = load_network(network, weights, device, seed=0)
    shown = [shortcut.Shown.of_table(store.read_table(path), path) for path in (intact, broken)]
    measures, judged, maps = shortcut.probe(
        loaded.model, loaded.preprocessing, *shown, n_aligned, patch, stride
    )
    about = labels | trained_with(loaded.attributes, weights)
    store.write_table(scores, pd.DataFrame([about | measures]))
    few = spread(len(judged.labels), n_examples)
    kept = {"images": judged.images[few], "human": judged.maps[few]}
    kept |= {kind: np.asarray(found[few], np.float32) for kind, found in maps.items()}
    store.write_arrays(examples, kept, about | {"image_ids": judged.part(few).image_ids})


if __name__ == "__main__":
    job.run(main, snakemake)
