"""Rule prepare_stimuli: the images of one set as one uint8 array with their names."""

from itcortex import job, store
from itcortex.stimuli import read_images


def main(source, stimuli, folder, size_px):
    """Decode the images in `folder` of the archive `source`, resized to `size_px` unless None."""
    store.write_stimuli(stimuli, read_images(source, folder, size_px))


if __name__ == "__main__":
    job.run(main, snakemake)
