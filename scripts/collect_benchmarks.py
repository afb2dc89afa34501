"""Rule collect_benchmarks: time and memory of every job that has run, as one table."""

from itcortex import store
from itcortex.running import job
from itcortex.tables import benchmarks


def main(table, table_csv, patterns, experiment, models, used, state):
    """Read the benchmark files that exist; they are not inputs, `benchmarks.state` says why.

    `patterns` are those of the rules' benchmark files, `models` the "model weights" of the experiment,
    `used` its other names by wildcard; `state` only says when this is to be run again.
    """
    keys = [tuple(name.split(" ", 1)) for name in models]
    jobs = benchmarks.collect(patterns, experiment, keys, used)
    store.write_table(table, jobs, csv=table_csv)


if __name__ == "__main__":
    job.run(main, snakemake)
