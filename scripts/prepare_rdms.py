"""Rule prepare_rdms: published dissimilarities of one set of images, in one form."""

from itcortex import store
from itcortex.data.published import kriegeskorte
from itcortex.data.rdms import require_all
from itcortex.running import job

READERS = {"kriegeskorte2008": kriegeskorte.read_rdms}


def main(source, shown, rdms, entry):
    """Read `source` as the registry's `entry` says; `shown` is what is known of the images."""
    about = entry["attributes"] | {"source": f"{entry['dataset']}/{entry['file']}"}
    read = READERS[entry["format"]]
    labels = store.read_table(shown).set_index("image")
    published = read(source, **entry["options"], attributes=about)
    require_all(published, list(labels.index), about["source"])
    store.write_rdms(rdms, published.with_images(labels["picture"], labels["kind"]))


if __name__ == "__main__":
    job.run(main, snakemake)
