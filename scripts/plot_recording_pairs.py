"""Rule plot_recording_pairs: networks beside other recordings, on the images that these share."""

from itcortex import store
from itcortex.figures import captions, recording_pairs, style
from itcortex.running import job


def main(pairs, shared, pdf, png, rst, mapping, simulated, title, caption):
    """Draw every pair of recordings by one mapping."""
    known = store.read_table(pairs)
    drawn = recording_pairs.draw(known, store.read_table(shared), mapping, simulated)
    said = captions.of_recording_pairs(known, mapping)
    style.save(drawn, pdf, png, rst, title, caption, said)


if __name__ == "__main__":
    job.run(main, snakemake)
