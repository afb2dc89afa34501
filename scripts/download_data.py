"""Rule download_data: one registered file, from a mirror or its addresses, verified or pinned."""

import logging

from itcortex.downloads.fetch import fetch, in_mirror
from itcortex.downloads.packed import fetch_packed
from itcortex.running import job

_log = logging.getLogger(__name__)


def main(file, urls, sha256, size, lock, members=None):
    """Bring `file` ({dataset}/{file} at its end) from the mirror, if one is set, or from `urls`.

    `sha256` and `size` (bytes) are None where they are not registered; then `lock` pins the file.
    `members`, if any, are the numbered files that are packed into it.
    """
    if members:
        digest = fetch_packed(urls, file, members, sha256, lock)
        _log.info(f"{file}: packed from {members['path']}, sha256 {digest}")
        return
    fetched = fetch(urls, file, sha256, size, in_mirror(file), lock)
    _log.info(f"{file}: {fetched.bytes} bytes from {fetched.source}, sha256 {fetched.sha256}")


if __name__ == "__main__":
    job.run(main, snakemake)
