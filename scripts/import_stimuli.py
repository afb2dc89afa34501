"""Rule import_stimuli: a user's own pictures as one uint8 array with their names."""

from itcortex import store
from itcortex.data.stimuli import read_pictures
from itcortex.running import job


def main(stimuli, place, size_px, digests):
    """Read the pictures of `place`, a folder or a zip, resized to `size_px` unless None.

    `digests` only decide whether to run again.
    """
    store.write_stimuli(stimuli, read_pictures(place, size_px))


if __name__ == "__main__":
    job.run(main, snakemake)
