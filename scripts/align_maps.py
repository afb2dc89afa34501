"""Rule align_maps: do predicted and recorded maps of activity look alike, beyond their smoothness?"""

import numpy as np

from itcortex import store
from itcortex.data.recordings import window_average
from itcortex.encoding import map_alignment
from itcortex.running import job


def main(recording, predictions, alignment, labels, method, draws, seed):
    """Write Spearman rho per image, site and scale; no rows for a recording without a grid."""
    recorded, predicted = store.read_recording(recording), store.read_recording(predictions)
    values = predicted.responses[:, :, :, 0]
    tested = np.flatnonzero(~np.isnan(values).all((1, 2, 3)))
    table = map_alignment.alignment_table(
        window_average(recorded, predicted.attributes["window"])[tested],
        values[tested],
        tuple(recorded.image_ids[k] for k in tested),
        recorded.site_ids,
        map_alignment.Null(method, draws, np.random.default_rng(seed)),
    )
    store.write_table(alignment, table.assign(**labels))


if __name__ == "__main__":
    job.run(main, snakemake)
