"""Rule predict_responses: what recorded sites would answer to a user's own pictures."""

from pathlib import Path

from itcortex import store
from itcortex.data.pictures import read_pictures
from itcortex.encoding.new_images import as_table, from_arrays, predict, require_same_weights
from itcortex.running import job
from itcortex.weights.loaded import load_network


def main(
    mapping, weights, images, responses, responses_csv, labels, names, batch_size, device, seed,
):  # fmt: skip
    """Write one row for each picture, position and site; `names` are the pictures' in the table."""
    arrays, about = store.read_arrays(mapping)
    loaded = load_network(about["network"], weights, device, seed)
    require_same_weights(about, loaded.weights_digest, mapping)
    files = dict(zip(names, map(Path, images), strict=True))
    values = predict(loaded, about, from_arrays(arrays, about), read_pictures(files), batch_size)
    table = as_table(values, names, about["site_ids"]).assign(unit=about["unit"], **labels)
    store.write_table(responses, table, csv=responses_csv)


if __name__ == "__main__":
    job.run(main, snakemake)
