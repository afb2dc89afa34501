"""Rule download_data: one registered file, from a mirror or its address, checksum verified."""

from itcortex import job
from itcortex.registry import fetch


def main(file, url, sha256, mirror):
    """Bring `file` from `mirror` (the file's path in a local mirror, or None) or from `url`."""
    fetch(url, file, sha256, mirror)


if __name__ == "__main__":
    job.run(main, snakemake)
