"""Tables of the whole experiment, and statistics of the trade-off."""


rule collect_models:
    """Every network of the experiment: what it is, its accuracy, and why it is missing if it is."""
    input:
        histories=[*ex.histories.values()],
        notes=ex.training_notes,
        accuracies=[*ex.accuracies.values()],
    output:
        table="results/{experiment}/tables/models.parquet",
        table_csv="results/{experiment}/tables/models.csv",
    log:
        "results/{experiment}/logs/collect_models.log",
    benchmark:
        "results/{experiment}/benchmarks/collect_models.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("collect_models"),
        models=ex.all_models,
        trained=[*ex.histories],
        measured=[*ex.accuracies],
    script:
        "../scripts/collect_models.py"


rule collect_scores:
    """Raw scores, ceilings and alignment of all models and recordings as tidy tables."""
    input:
        encoding=ex.per_model(
            "results/{experiment}/encoding/{recording}/{model}/{weights}.parquet",
            recording=ex.recordings,
        ),
        alignments=ex.per_model(
            "results/{experiment}/alignment/{recording}/{model}/{weights}.parquet",
            recording=ex.recordings_with_maps,
        ),
        orientations=ex.per_model(
            "results/{experiment}/orientation/{recording}/{model}/{weights}.parquet",
            recording=ex.recordings,
        ),
        ceiling=expand(
            "results/{{experiment}}/ceilings/{recording}.parquet", recording=ex.recordings
        ),
        recorded=expand("results/recordings/{recording}.h5", recording=ex.recordings),
        models="results/{experiment}/tables/models.parquet",
    output:
        scores="results/{experiment}/tables/scores.parquet",
        summary="results/{experiment}/tables/summary.parquet",
        summary_csv="results/{experiment}/tables/summary.csv",
        alignment="results/{experiment}/tables/alignment.parquet",
        ceilings="results/{experiment}/tables/ceilings.parquet",
        orientation="results/{experiment}/tables/orientation.parquet",
        images="results/{experiment}/tables/images.parquet",
        images_csv="results/{experiment}/tables/images.csv",
        kinds="results/{experiment}/tables/kinds.parquet",
        kinds_csv="results/{experiment}/tables/kinds.csv",
    log:
        "results/{experiment}/logs/collect_scores.log",
    benchmark:
        "results/{experiment}/benchmarks/collect_scores.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1900),
        runtime=rising(60),
    params:
        code=ex.code_of("collect_scores"),
        recordings=data.attributes,
        splits=analysis.split_of_recordings,
        draws=config["statistics"]["draws"],
        seed=config["seed"],
    script:
        "../scripts/collect_scores.py"


rule compare_recordings:
    """Recordings that predict each other, and every network on the images that they share."""
    input:
        pairs=expand(
            "results/{{experiment}}/recording_pairs/{recording}.pairs.parquet",
            recording=ex.recordings,
        ),
        scores=expand(
            "results/{{experiment}}/recording_pairs/{recording}.parquet", recording=ex.recordings
        ),
        shared=expand(
            "results/{{experiment}}/recording_pairs/{recording}.shared.parquet",
            recording=ex.recordings,
        ),
        curves=expand(
            "results/{{experiment}}/recording_pairs/{recording}.curves.parquet",
            recording=ex.recordings,
        ),
        predicted=expand(
            "results/{{experiment}}/recording_pairs/{recording}.predictions.h5",
            recording=ex.recordings,
        ),
        recorded=expand("results/recordings/{recording}.h5", recording=ex.recordings),
        predictions=ex.per_model(
            "results/{experiment}/encoding/{recording}/{model}/{weights}.predictions.h5",
            recording=ex.recordings,
        ),
        models="results/{experiment}/tables/models.parquet",
    output:
        recording_pairs="results/{experiment}/tables/recording_pairs.parquet",
        recording_pairs_csv="results/{experiment}/tables/recording_pairs.csv",
        shared_images="results/{experiment}/tables/shared_images.parquet",
        shared_images_csv="results/{experiment}/tables/shared_images.csv",
        site_counts="results/{experiment}/tables/site_counts.parquet",
        site_counts_csv="results/{experiment}/tables/site_counts.csv",
    log:
        "results/{experiment}/logs/compare_recordings.log",
    benchmark:
        "results/{experiment}/benchmarks/compare_recordings.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=request.comparison_mem_mb,
        runtime=request.comparison_runtime,
    params:
        code=ex.code_of("compare_recordings"),
        names=ex.recordings,
        mapping=config["encoding"]["mappings"][0],
        splits=analysis.split_of_recordings,
        draws=config["statistics"]["draws"],
        seed=config["seed"],
    script:
        "../scripts/compare_recordings.py"


rule estimate_tradeoff:
    """Does predictivity fall as ImageNet accuracy rises? Bootstraps clustered by model family."""
    input:
        summary="results/{experiment}/tables/summary.parquet",
        models="results/{experiment}/tables/models.parquet",
        ceilings="results/{experiment}/tables/ceilings.parquet",
        shared_images=ex.table_if_any("shared_images"),
    output:
        tradeoff_table="results/{experiment}/tables/tradeoff.parquet",
        tradeoff_csv="results/{experiment}/tables/tradeoff.csv",
        ranges_table="results/{experiment}/tables/tradeoff_ranges.parquet",
        ranges_csv="results/{experiment}/tables/tradeoff_ranges.csv",
        families_table="results/{experiment}/tables/tradeoff_families.parquet",
        families_csv="results/{experiment}/tables/tradeoff_families.csv",
        partial_table="results/{experiment}/tables/tradeoff_partial.parquet",
        partial_csv="results/{experiment}/tables/tradeoff_partial.csv",
        ceiling_effects_table="results/{experiment}/tables/ceiling_effects.parquet",
        ceiling_effects_csv="results/{experiment}/tables/ceiling_effects.csv",
    log:
        "results/{experiment}/logs/estimate_tradeoff.log",
    benchmark:
        "results/{experiment}/benchmarks/estimate_tradeoff.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(60),
    params:
        code=ex.code_of("estimate_tradeoff"),
        score=config["statistics"]["score"],
        ranges=config["published"]["ranges"],
        cut=config["published"]["cut"],
        splits=analysis.split_of_recordings,
        draws=config["statistics"]["draws"],
        seed=config["seed"],
    script:
        "../scripts/estimate_tradeoff.py"


rule compare_models:
    """Every two networks on the same sites and images; harmonized networks minus their baselines."""
    input:
        encoding=ex.per_model(
            "results/{experiment}/encoding/{recording}/{model}/{weights}.parquet",
            recording=ex.recordings,
        ),
        models="results/{experiment}/tables/models.parquet",
    output:
        pairs="results/{experiment}/tables/model_pairs.parquet",
        harmonized="results/{experiment}/tables/harmonized.parquet",
        harmonized_csv="results/{experiment}/tables/harmonized.csv",
        counts="results/{experiment}/tables/network_site_counts.parquet",
    log:
        "results/{experiment}/logs/compare_models.log",
    benchmark:
        "results/{experiment}/benchmarks/compare_models.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1900),
        runtime=rising(60),
    params:
        code=ex.code_of("compare_models"),
        splits=analysis.split_of_recordings,
        draws=config["statistics"]["draws"],
        seed=config["seed"],
    script:
        "../scripts/compare_models.py"


rule compare_conditions:
    """What human maps change, beside other maps and fine-tuning alone: paired differences."""
    input:
        encoding=ex.per_model(
            "results/{experiment}/encoding/{recording}/{model}/{weights}.parquet",
            ex.conditioned.index,
            recording=ex.recordings,
        ),
        comparisons=ex.per_model(
            "results/{experiment}/rsa/{rdm}/{model}/{weights}.parquet",
            ex.conditioned.index,
            rdm=ex.rdms,
        ),
        resampled=ex.per_model(
            "results/{experiment}/rsa/{rdm}/{model}/{weights}.draws.parquet",
            ex.conditioned.index,
            rdm=ex.rdms,
        ),
        attention=ex.per_model(
            "results/{experiment}/attention/{attention}/{model}/{weights}.parquet",
            ex.conditioned.index,
            attention=ex.attention,
        ),
        answers=ex.per_model(
            "results/{experiment}/answers/{model}/{weights}.parquet", ex.own_teachers
        ),
        notes=ex.per_model("results/weights/{model}/{weights}.json", ex.conditioned.index),
        histories=ex.per_model("results/weights/{model}/{weights}.parquet", ex.conditioned.index),
        models="results/{experiment}/tables/models.parquet",
        summary=ex.table_if_any("summary"),
    output:
        conditions="results/{experiment}/tables/conditions.parquet",
        conditions_csv="results/{experiment}/tables/conditions.csv",
        seeds="results/{experiment}/tables/condition_seeds.parquet",
        findings="results/{experiment}/tables/conditions.md",
    log:
        "results/{experiment}/logs/compare_conditions.log",
    benchmark:
        "results/{experiment}/benchmarks/compare_conditions.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1900),
        runtime=rising(60),
    params:
        code=ex.code_of("compare_conditions"),
        trained=ex.conditioned_names,
        pattern=config["rsa"]["pattern"],
        mapping=config["encoding"]["mappings"][0],
        draws=config["statistics"]["draws"],
        seed=config["seed"],
    script:
        "../scripts/compare_conditions.py"


rule estimate_multiverse:
    """The trade-off under every combination of analysis choices, and which choice moves it most."""
    input:
        scores="results/{experiment}/tables/scores.parquet",
        variants=ex.per_model(
            "results/{experiment}/variants/{variant}/{recording}/{model}/{weights}.parquet",
            variant=ex.variants,
            recording=ex.recordings,
        ),
        models="results/{experiment}/tables/models.parquet",
        ceilings="results/{experiment}/tables/ceilings.parquet",
    output:
        multiverse="results/{experiment}/tables/multiverse.parquet",
        multiverse_csv="results/{experiment}/tables/multiverse.csv",
        influence="results/{experiment}/tables/multiverse_influence.parquet",
        influence_csv="results/{experiment}/tables/multiverse_influence.csv",
        findings="results/{experiment}/tables/multiverse.md",
    log:
        "results/{experiment}/logs/estimate_multiverse.log",
    benchmark:
        "results/{experiment}/benchmarks/estimate_multiverse.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1900),
        runtime=rising(60),
    params:
        code=ex.code_of("estimate_multiverse"),
        folds=analysis.main_folds,
        variant_folds=analysis.variant_folds,
        splits=analysis.split_of_recordings,
        variant_splits=analysis.split_of_variants,
        ranges=config["multiverse"]["ranges"],
        draws=config["multiverse"]["draws"],
        seed=config["seed"],
    script:
        "../scripts/estimate_multiverse.py"


rule compare_splits:
    """Every network on every division of the images, and what it loses where test images are new."""
    input:
        encoding=ex.per_model(
            "results/{experiment}/encoding/{recording}/{model}/{weights}.parquet",
            recording=ex.recordings,
        ),
        variants=ex.per_model(
            "results/{experiment}/variants/{variant}/{recording}/{model}/{weights}.parquet",
            variant=[*ex.splits],
            recording=ex.recordings,
        ),
        models="results/{experiment}/tables/models.parquet",
    output:
        generalisation="results/{experiment}/tables/generalisation.parquet",
        generalisation_csv="results/{experiment}/tables/generalisation.csv",
    log:
        "results/{experiment}/logs/compare_splits.log",
    benchmark:
        "results/{experiment}/benchmarks/compare_splits.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1900),
        runtime=rising(60),
    params:
        code=ex.code_of("compare_splits"),
        mapping=config["encoding"]["mappings"][0],
        main_splits=analysis.split_of_recordings,
        splits=analysis.splits_of_jobs,
        recordings=data.attributes,
        draws=config["statistics"]["draws"],
        seed=config["seed"],
    script:
        "../scripts/compare_splits.py"


rule collect_concepts:
    """How much every concept matters to a network's answer, and to what predicts the sites."""
    input:
        scores=analysis.of_concepts(
            "results/{experiment}/concepts/{recording}/{model}/{weights}.parquet"
        ),
        found=analysis.of_concepts("results/{experiment}/concepts/{recording}/{model}/{weights}.h5"),
    output:
        concepts="results/{experiment}/tables/concepts.parquet",
        concepts_csv="results/{experiment}/tables/concepts.csv",
        encoding="results/{experiment}/tables/concept_encoding.parquet",
        encoding_csv="results/{experiment}/tables/concept_encoding.csv",
    log:
        "results/{experiment}/logs/collect_concepts.log",
    benchmark:
        "results/{experiment}/benchmarks/collect_concepts.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("collect_concepts"),
        splits=analysis.split_of_recordings,
        draws=config["statistics"]["draws"],
        seed=config["seed"],
    script:
        "../scripts/collect_concepts.py"


rule collect_variance:
    """Unique and shared variance of every pair of networks: means over sites, and every site."""
    input:
        variance=analysis.variances,
    output:
        unique_variance="results/{experiment}/tables/unique_variance.parquet",
        unique_variance_csv="results/{experiment}/tables/unique_variance.csv",
        unique_variance_sites="results/{experiment}/tables/unique_variance_sites.parquet",
    log:
        "results/{experiment}/logs/collect_variance.log",
    benchmark:
        "results/{experiment}/benchmarks/collect_variance.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("collect_variance"),
        splits=analysis.split_of_recordings,
    script:
        "../scripts/collect_variance.py"
