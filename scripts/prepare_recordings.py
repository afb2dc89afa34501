"""Rule prepare_recordings: one array's responses (image, y, x, ms, site) in image orientation."""

from itcortex import job, store
from itcortex.recordings import read_published


def main(source, recording, entry, images):
    """Read `source` as the registry's `entry` says; `images` is the entry of its stimuli."""
    options = dict(entry.get("options", {}))
    same_file = (images["dataset"], images["file"]) == (entry["dataset"], entry["file"])
    if same_file:  # the archive holds the images too: names are matched with its files
        options["images_folder"] = images["folder"]
    origin = {"source": f"{entry['dataset']}/{entry['file']}"}
    responses = read_published(source, entry["format"], options, entry["attributes"] | origin)
    store.write_recording(recording, responses)


if __name__ == "__main__":
    job.run(main, snakemake)
