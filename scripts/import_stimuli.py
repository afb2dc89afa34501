"""Rule import_stimuli: a user's own pictures as one uint8 array with their names."""

from itcortex import store
from itcortex.data.own.image_lists import LISTS
from itcortex.data.own.listed import ListedPictures
from itcortex.data.stimuli import read_pictures
from itcortex.running import job


def main(listed, stimuli, place, size_px, format, digests):
    """Read the pictures of `place`, a folder or a zip, resized to `size_px` unless None.

    `listed` is empty, or a file of that `format` which names those of them that were shown. `digests`
    only decide whether to run again.
    """
    if listed:
        pictures = ListedPictures(place, LISTS[format](listed[0]), size_px)
        store.write_pictures(stimuli, pictures)
    else:
        store.write_stimuli(stimuli, read_pictures(place, size_px))


if __name__ == "__main__":
    job.run(main, snakemake)
