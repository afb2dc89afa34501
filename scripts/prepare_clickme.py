"""Rule prepare_clickme: one TFRecord shard of ClickMe as a table, without TensorFlow."""

import logging

from itcortex import store
from itcortex.data.published.clickme import read_shard
from itcortex.running import job

_log = logging.getLogger(__name__)


def main(shard, records, problems, max_corrupt):
    """Write the good records of `shard`, and where in it which others are damaged."""
    good, bad = read_shard(shard, max_corrupt)
    for row in bad.itertuples():
        _log.warning(f"{shard}: byte {row.offset}: {row.reason} ({row.bytes} bytes lost)")
    _log.info(f"{shard}: {len(good)} records, {len(bad)} corrupt places")
    store.write_table(records, good)
    store.write_table(problems, bad)


if __name__ == "__main__":
    job.run(main, snakemake)
