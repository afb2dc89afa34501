"""Rule prepare_recordings: one array's responses (image, y, x, ms, site) in image orientation."""

from itcortex import store
from itcortex.data.published.readers import read_published
from itcortex.data.recordings import CONFIGURED, require_shown, warn_of_loud_sites
from itcortex.files import sha256_of
from itcortex.running import job


def main(source, table, shown, recording, entry, images):
    """Read `source` as the registry's `entry` says; `images` is the entry of its stimuli.

    `table` is empty or the table of the images that were shown, `shown` says what is known of those
    images (rule label_images).
    """
    options = dict(entry.get("options", {}))
    same_file = (images["dataset"], images.get("file")) == (entry["dataset"], entry["file"])
    if same_file:  # the archive holds the images too: names are matched with its files
        options["images_folder"] = images["folder"]
    if table:
        options["table"] = table[0]
    if "sites" in entry:
        options["select_sites"] = entry["sites"]
    origin = {
        "source": f"{entry['dataset']}/{entry['file']}",
        "source_sha256": sha256_of(source),
    }
    responses = read_published(source, entry["format"], options, entry["attributes"] | origin)
    about = store.read_table(shown).set_index("image")
    require_shown(responses, list(about.index), entry.get("part", False), origin["source"])
    warn_of_loud_sites(responses, origin["source"])
    responses = responses.with_pictures(about["picture"]).with_kinds(about["kind"])
    store.write_recording(recording, responses.oriented(entry.get("orientation", CONFIGURED)))


if __name__ == "__main__":
    job.run(main, snakemake)
