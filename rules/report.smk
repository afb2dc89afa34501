"""One self-contained page with figures, tables and settings, and where every number comes from."""


rule render_report:
    """results/{experiment}/report.html: opens anywhere, needs nothing."""
    input:
        summary="results/{experiment}/tables/summary.parquet",
        tradeoff="results/{experiment}/tables/tradeoff.parquet",
        ceilings="results/{experiment}/tables/ceilings.parquet",
        alignment="results/{experiment}/tables/alignment.parquet",
        orientation="results/{experiment}/tables/orientation.parquet",
        models="results/{experiment}/tables/models.parquet",
        rsa="results/{experiment}/tables/rsa.parquet" if RDMS else [],
        attention="results/{experiment}/tables/attention.parquet" if ATTENTION else [],
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


rule record_provenance:
    """Data, weights, code, packages and settings behind every table row."""
    input:
        predictions=per_model(
            "results/{experiment}/encoding/{recording}/{model}/{weights}.predictions.h5",
            recording=RECORDINGS,
        ),
        tables=expand(f"results/{EXPERIMENT}/tables/{{table}}.parquet", table=TABLES),
    output:
        provenance="results/{experiment}/provenance.json",
    log:
        "results/{experiment}/logs/record_provenance.log",
    benchmark:
        "results/{experiment}/benchmarks/record_provenance.tsv"
    conda:
        "../envs/environment.yaml"
    resources:
        mem_mb=1500,
        runtime=30,
    params:
        code=fingerprint("record_provenance"),
        datasets={name: REGISTRY["datasets"][name] for name in datasets_in_use()},
        sources={
            f"{model}/{weights}": MODELS.loc[(model, weights), "source"]
            for model, weights in MODELS.index
        },
        settings={key: value for key, value in config.items() if key != "mirror"},
        fingerprints=fingerprints(),
    script:
        "../scripts/record_provenance.py"
