"""Rule prepare_stimuli: the images of one set as one uint8 array with their names."""

from itcortex import store
from itcortex.data.published import kriegeskorte
from itcortex.data.stimuli import read_images
from itcortex.running import job

READERS = {"zip": read_images, "kriegeskorte2008": kriegeskorte.read_images}


def main(source, stimuli, folder, size_px, format="zip"):
    """Read the images in `folder` of the file `source`, resized to `size_px` unless None.

    The folder of a MATLAB file is the variable that holds the images.
    """
    store.write_stimuli(stimuli, READERS[format](source, folder, size_px))


if __name__ == "__main__":
    job.run(main, snakemake)
