"""One self-contained page with figures, tables and settings."""


rule render_report:
    """results/{experiment}/report.html: opens anywhere, needs nothing."""
    input:
        summary="results/{experiment}/tables/summary.parquet",
        tradeoff="results/{experiment}/tables/tradeoff.parquet",
        ceilings="results/{experiment}/tables/ceilings.parquet",
        alignment="results/{experiment}/tables/alignment.parquet",
        orientation="results/{experiment}/tables/orientation.parquet",
        figures=expand("results/{{experiment}}/figures/{figure}.png", figure=FIGURES),
    output:
        report="results/{experiment}/report.html",
    log:
        "results/{experiment}/logs/render_report.log",
    benchmark:
        "results/{experiment}/benchmarks/render_report.tsv"
    conda:
        "../envs/environment.yaml"
    resources:
        mem_mb=1500,
        runtime=30,
    params:
        code=fingerprint("render_report"),
        experiment=EXPERIMENT,
        settings={key: value for key, value in config.items() if key != "mirror"},
        fingerprints=fingerprints(),
    script:
        "../scripts/render_report.py"
