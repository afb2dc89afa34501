"""Where time and memory went: a target of its own, `benchmarks`; no part of `all`."""


localrules:
    benchmarks,
    collect_benchmarks,
    plot_benchmarks,


rule benchmarks:
    """Time and memory of all jobs that have run, as a table and a figure."""
    input:
        expand("results/{experiment}/figures/benchmarks.pdf", experiment=ex.name),


rule collect_benchmarks:
    """Time and memory of every job that has run, as one table."""

    # Benchmark files are no inputs: they are products of their jobs, and asking for them would plan
    # all of these again. `state` changes with every new one. This rule leaves none itself.
    output:
        table="results/{experiment}/tables/benchmarks.parquet",
        table_csv="results/{experiment}/tables/benchmarks.csv",
    log:
        "results/{experiment}/logs/collect_benchmarks.log",
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("collect_benchmarks"),
        patterns=measured.patterns,
        experiment=ex.name,
        models=measured.models,
        used=measured.names,
        state=measured.state,
    script:
        "../scripts/collect_benchmarks.py"


rule plot_benchmarks:
    """Where time and memory went, by rule and by model."""
    input:
        table="results/{experiment}/tables/benchmarks.parquet",
    output:
        pdf="results/{experiment}/figures/benchmarks.pdf",
        png="results/{experiment}/figures/benchmarks.png",
        rst="results/{experiment}/figures/benchmarks.rst",
    log:
        "results/{experiment}/logs/plot_benchmarks.log",
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("plot_benchmarks"),
        title="Where time and memory went: {experiment}",
        caption=BENCHMARKS,
    script:
        "../scripts/plot_benchmarks.py"
