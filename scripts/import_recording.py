"""Rule import_recording: a user's own responses (image, y, x, ms, site) in image orientation."""

from itcortex import store
from itcortex.data.own.forms import read_own
from itcortex.data.recordings import CONFIGURED
from itcortex.running import job


def main(shown, recording, entry, digests):
    """Read the file that the registry's `entry` names; `digests` only decide whether to run again.

    `shown` says what is known of the pictures that were shown (rule label_images).
    """
    about = store.read_table(shown).set_index("image")
    responses = read_own(entry["responses"], entry, list(about.index), entry["attributes"])
    responses = responses.with_pictures(about["picture"]).with_kinds(about["kind"])
    store.write_recording(recording, responses.oriented(entry.get("orientation", CONFIGURED)))


if __name__ == "__main__":
    job.run(main, snakemake)
