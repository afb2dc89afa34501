"""Rule keep_mapping: the layer that was chosen most often, fitted to all images of a recording."""

import numpy as np

from itcortex import store
from itcortex.data import stimuli
from itcortex.data.recordings import window_average
from itcortex.encoding.divisions import DIVISIONS
from itcortex.encoding.new_images import as_arrays
from itcortex.encoding.protocols import RULES
from itcortex.encoding.ridge_options import RidgeOptions
from itcortex.mappings.kept import fit_kept
from itcortex.running import job


def main(
    activations, recording, scores, mapping, labels, kind, protocol, components, rule, ridge, folds,
    pool, window, seed, divided=(),
):  # fmt: skip
    """Write weights from the layer's features to the sites, and all that predictions need to know."""
    recorded, features = store.read_recording(recording), store.open_activations(activations)
    window = recorded.window_in(window)
    images = stimuli.join_images(recorded.image_ids, features.image_ids, activations)
    raw = store.read_rows(
        scores, ["layer", "fold"], mapping=kind, control="none", main_window=True, chosen=True
    )
    layer = str(raw.drop_duplicates("fold")["layer"].mode().iloc[0])
    division = DIVISIONS[protocol](recorded, folds, seed, store.read_parts(divided))
    maps = features.read(layer, images)
    options, responses = RidgeOptions.of(ridge), window_average(recorded, window)
    one_by_one = options.leaves_out_images(len(images), responses.size)
    kept, facts = fit_kept(
        maps,
        responses,
        np.maximum(division.group_of, 0),  # what was left out of training is a twin of the test
        kind,
        components,
        RULES[rule],
        pool,
        options.penalties,
        np.unique(recorded.pictures, return_inverse=True)[1] if one_by_one else None,
    )
    arrays, shape = as_arrays(kept)
    about = {one["name"]: one for one in features.attributes["layers"]}
    known = {name: features.attributes[name] for name in ("network", "weights_digest", "side")}
    origin = {
        "layer": about[layer],
        "dtype": str(maps.dtype),
        "mapping": kind,
        "rule": rule,
        "components": components,
        "window": window,
        "n_images": len(images),
        "site_ids": list(recorded.site_ids),
        "unit": recorded.attributes.get("unit"),
        "recorded": store.read_stamp(recording),
        "activations": store.read_stamp(activations),
    }
    store.write_arrays(mapping, arrays, labels | shape | facts | known | origin)


if __name__ == "__main__":
    job.run(main, snakemake)
