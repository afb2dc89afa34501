"""One self-contained page with figures, tables and settings, and where every number comes from."""


rule render_report:
    """results/{experiment}/report.html: opens anywhere, needs nothing."""
    input:
        summary="results/{experiment}/tables/summary.parquet",
        scores="results/{experiment}/tables/scores.parquet",
        tradeoff="results/{experiment}/tables/tradeoff.parquet",
        tradeoff_partial="results/{experiment}/tables/tradeoff_partial.parquet",
        harmonized="results/{experiment}/tables/harmonized.parquet",
        model_pairs="results/{experiment}/tables/model_pairs.parquet",
        ceilings="results/{experiment}/tables/ceilings.parquet",
        alignment="results/{experiment}/tables/alignment.parquet",
        orientation="results/{experiment}/tables/orientation.parquet",
        models="results/{experiment}/tables/models.parquet",
        rsa=ex.table_if_any("rsa"),
        attention=ex.table_if_any("attention"),
        shortcut=ex.table_if_any("shortcut"),
        unique_variance=ex.table_if_any("unique_variance"),
        concepts=ex.table_if_any("concepts"),
        concept_encoding=ex.table_if_any("concept_encoding"),
        conditions=ex.table_if_any("conditions"),
        recording_pairs=ex.table_if_any("recording_pairs"),
        shared_images=ex.table_if_any("shared_images"),
        figures=expand("results/{{experiment}}/figures/{figure}.png", figure=ex.figures),
        checks=expand("results/{{experiment}}/checks/{recording}.json", recording=ex.recordings),
        check_figures=expand(
            "results/{{experiment}}/checks/{recording}.png", recording=ex.recordings
        ),
        recordings=expand("results/recordings/{recording}.h5", recording=ex.recordings),
        stimuli=data.stimuli_of_recordings,
        predictions=ex.per_model(
            "results/{experiment}/encoding/{recording}/{model}/{weights}.predictions.h5",
            recording=ex.recordings,
        ),
        photographs=attention.shown_photographs,
        examples=ex.per_model(
            "results/{experiment}/attention/{attention}/{model}/{weights}.examples.h5",
            attention=ex.attention,
        ),
        provenance="results/{experiment}/provenance.json",
    output:
        report="results/{experiment}/report.html",
    log:
        "results/{experiment}/logs/render_report.log",
    benchmark:
        "results/{experiment}/benchmarks/render_report.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1900),
        runtime=rising(30),
    params:
        code=ex.code_of("render_report"),
        experiment=ex.name,
        settings=ex.reported_settings,
        registry=data.behind_tables,
        datasets=data.datasets,
        recording_names=ex.recordings,
        photograph_sets=attention.shown_sets,
        fingerprints=ex.fingerprints,
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
            *data.pairs_of_recordings,
            *rules.collect_rsa.input.comparisons,
            *rules.collect_attention.input.scores,
            *rules.collect_attention.input.ceilings,
            *rules.collect_shortcut.input.scores,
            *rules.collect_shortcut.input.encoding,
            *rules.collect_shortcut.input.ceilings,
            *rules.estimate_multiverse.input.variants,
        ],
        data=data.files_behind_tables,
        digits=study.all_images,
        prepared=[*data.prepared_behind_tables, *attention.all_photographs],
        activations=data.activations_behind_tables,
        predictions=[
            *ex.per_model(
                "results/{experiment}/encoding/{recording}/{model}/{weights}.predictions.h5",
                recording=ex.recordings,
            ),
            *study.per_model(
                "results/{experiment}/encoding/{recording}/{model}/{weights}.predictions.h5"
            ),
        ],
        weights=ex.per_model(
            "results/weights/{model}/{weights}.safetensors", [*ex.scored.index, *ex.studied.index]
        ),
        scores=[path for table in published.origins.values() for path in table["files"]],
        tables=expand(
            "results/{experiment}/tables/{table}.parquet", experiment=ex.name, table=ex.tables
        ),
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
        code=ex.code_of("record_provenance"),
        registry=data.behind_tables,
        datasets=data.datasets,
        sources=ex.sources,
        settings=ex.reported_settings,
        fingerprints=ex.fingerprints,
        published=published.origins,
        test_images=study.test_images,
    script:
        "../scripts/record_provenance.py"
