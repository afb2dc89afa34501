"""Rule prepare_rdms: published dissimilarities of one set of images, in one form."""

from itcortex import store
from itcortex.data.published import kriegeskorte
from itcortex.running import job

READERS = {"kriegeskorte2008": kriegeskorte.read_rdms}


def main(source, rdms, entry):
    """Read `source` as the registry's `entry` says."""
    about = entry["attributes"] | {"source": f"{entry['dataset']}/{entry['file']}"}
    read = READERS[entry["format"]]
    store.write_rdms(rdms, read(source, **entry["options"], attributes=about))


if __name__ == "__main__":
    job.run(main, snakemake)
