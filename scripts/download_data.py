"""Rule download_data: one registered file, from a mirror or its address, checksum verified."""

from itcortex import job
from itcortex.registry import fetch, in_mirror


def main(file, url, sha256):
    """Bring `file` ({dataset}/{file} at its end) from the mirror, if one is set, or from `url`."""
    fetch(url, file, sha256, in_mirror(file))


if __name__ == "__main__":
    job.run(main, snakemake)
