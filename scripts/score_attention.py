"""Rule score_attention: agreement of one model's saliency with maps of human attention."""

from pathlib import Path

import numpy as np
import pandas as pd

from itcortex import store
from itcortex.attention import agreement
from itcortex.attention.occlusion import covering_maps
from itcortex.attention.saliency import photographs_saliency
from itcortex.data.photographs import total_maps
from itcortex.numerics import sampling
from itcortex.running import job
from itcortex.weights.loaded import load_network


def main(
    photographs, weights, scores, examples, labels, data_format, network, batch_size, blur,
    n_examples, device, seed, covering=0,
):  # fmt: skip
    """Score every photograph of one file or of several; keep the saliency of a few for the figure.

    `covering` is how many places a side a square covers; 0, maps of covering are not made.
    """
    paths = [photographs] if isinstance(photographs, (str, Path)) else list(photographs)
    loaded = load_network(network, weights, device, seed)
    totals, count = total_maps(store.read_attention(path, data_format) for path in paths)
    tables, shown = [], {}
    for path in paths:
        part = store.read_attention(path, data_format)
        found = list(
            photographs_saliency(
                loaded.model, loaded.preprocessing, part, batch_size, loaded.device
            )
        )
        covered = None
        if covering:
            classes = [label for _, label in found]
            covered = covering_maps(
                loaded.model,
                loaded.preprocessing,
                part,
                classes,
                covering,
                batch_size,
                loaded.device,
            )
        tables.append(agreement.score(part, found, totals, count, blur, covered))
        if not shown:
            chosen = sampling.spread(len(found), n_examples)
            shown = {part.image_ids[index]: found[index][0] for index in chosen}
    store.write_table(scores, pd.concat(tables, ignore_index=True).assign(**labels))
    maps = np.stack(list(shown.values())).astype(np.float32)
    store.write_arrays(examples, {"saliency": maps}, {**labels, "image_ids": list(shown)})


if __name__ == "__main__":
    job.run(main, snakemake)
