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
        shortcut="results/{experiment}/tables/shortcut.parquet" if len(STUDIED) else [],
        figures=expand("results/{{experiment}}/figures/{figure}.png", figure=FIGURES),
    output:
        report="results/{experiment}/report.html",
    log:
        "results/{experiment}/logs/render_report.log",
    benchmark:
        "results/{experiment}/benchmarks/render_report.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=code_of("render_report"),
        experiment=EXPERIMENT,
        settings={key: value for key, value in config.items() if key != "mirror"},
        fingerprints=lambda wildcards: fingerprints(),
    script:
        "../scripts/render_report.py"


rule record_provenance:
    """Data, weights, code, packages and settings behind every table row."""
    input:
        jobs=[
            *rules.collect_scores.input.encoding,
            *rules.collect_scores.input.orientations,
            *rules.collect_scores.input.alignments,
            *rules.collect_scores.input.ceiling,
            *rules.collect_rsa.input.comparisons,
            *rules.collect_attention.input.scores,
            *rules.collect_attention.input.ceilings,
            *rules.collect_shortcut.input.scores,
            *rules.collect_shortcut.input.encoding,
            *rules.collect_shortcut.input.ceilings,
        ],
        data=data_behind_tables(),
        prepared=[
            f"results/{kind}/{name}.h5"
            for kind in ("recordings", "rdms", "stimuli")
            for name in entries_behind_tables()[kind]
        ]
        + [path for name in ATTENTION for path in attention_files(name)],
        activations=activations_behind_tables(),
        predictions=[
            path.replace(".parquet", ".predictions.h5")
            for path in [
                *rules.collect_scores.input.encoding,
                *rules.collect_shortcut.input.encoding,
            ]
        ],
        weights=per_model(
            "results/weights/{model}/{weights}.safetensors", [*SCORED.index, *STUDIED.index]
        ),
        tables=expand(f"results/{EXPERIMENT}/tables/{{table}}.parquet", table=TABLES),
    output:
        provenance="results/{experiment}/provenance.json",
    log:
        "results/{experiment}/logs/record_provenance.log",
    benchmark:
        "results/{experiment}/benchmarks/record_provenance.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=code_of("record_provenance"),
        registry=entries_behind_tables(),
        datasets={name: REGISTRY["datasets"][name] for name in datasets_in_use()},
        sources={
            f"{model}/{weights}": MODELS.loc[(model, weights), "source"]
            for model, weights in MODELS.index
        },
        settings={key: value for key, value in config.items() if key != "mirror"},
        fingerprints=lambda wildcards: fingerprints(),
    script:
        "../scripts/record_provenance.py"
