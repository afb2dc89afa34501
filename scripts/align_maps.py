"""Rule align_maps: do predicted and recorded maps of activity look alike?"""

from itcortex import job, maps, store
from itcortex.recordings import window_average


def main(recording, predictions, alignment, labels):
    """Write Spearman rho per image, site and scale; no rows for a recording without a grid."""
    recorded, predicted = store.read_recording(recording), store.read_recording(predictions)
    window = predicted.attributes["window"]
    table = maps.alignment_table(
        window_average(recorded, window),
        predicted.responses[:, :, :, 0],
        recorded.image_ids,
        recorded.site_ids,
    )
    store.write_table(alignment, table.assign(**labels))


if __name__ == "__main__":
    job.run(main, snakemake)
