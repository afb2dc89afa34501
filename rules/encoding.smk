"""From activations to sites: predictions, what they could reach at best, and their maps."""


rule divide_images:
    """Parts of a recording's images by a network's features: clusters, or a test set far from the rest."""
    input:
        activations=analysis.dividing_activations,
        recording="results/recordings/{recording}.h5",
    output:
        parts="results/{experiment}/divisions/{recording}/{division}.parquet",
    log:
        "results/{experiment}/logs/divide_images/{recording}/{division}.log",
    benchmark:
        "results/{experiment}/benchmarks/divide_images/{recording}/{division}.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=request.encoding_mem_mb,
        runtime=rising(60),
    params:
        code=ex.code_of("divide_images"),
        folds=analysis.folds_of_parts,
        name="{recording}",
        division="{division}",
        network=ex.settings["encoding"]["divided_by"],
        seed=config["seed"],
    script:
        "../scripts/divide_images.py"


rule fit_encoding:
    """All layers, folds and windows of one model on one recording."""
    input:
        activations=ex.activations_of,
        recording="results/recordings/{recording}.h5",
        divided=analysis.parts,
    output:
        scores="results/{experiment}/encoding/{recording}/{model}/{weights}.parquet",
        predictions="results/{experiment}/encoding/{recording}/{model}/{weights}.predictions.h5",
        orientation="results/{experiment}/orientation/{recording}/{model}/{weights}.parquet",
    log:
        "results/{experiment}/logs/fit_encoding/{recording}/{model}/{weights}.log",
    benchmark:
        "results/{experiment}/benchmarks/fit_encoding/{recording}/{model}/{weights}.tsv"
    conda:
        "../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=request.encoding_mem_mb,
        runtime=request.encoding_runtime,
        gpu=request.encoding_gpus,
    params:
        code=ex.code_of("fit_encoding"),
        labels=ex.labels,
        kinds=config["encoding"]["mappings"],
        protocol=analysis.protocol,
        components=config["encoding"]["components"],
        rule=config["encoding"]["rule"],
        ridge=config["encoding"]["ridge"],
        device=request.encoding_device,
        fall_back=config["encoding"]["device"] == "auto",
        folds=analysis.folds,
        split=analysis.split_of_job,
        pool=analysis.pool,
        pca=analysis.pca,
        window=analysis.window,
        sweep=analysis.sweep,
        permutations=config["encoding"]["permutations"],
        seed=config["seed"],
    script:
        "../scripts/fit_encoding.py"


rule fit_variant:
    """One model on one recording as a variant of the analysis has it, for the multiverse."""
    input:
        activations=ex.activations_of,
        recording="results/recordings/{recording}.h5",
        divided=analysis.parts_of_variant,
    output:
        scores="results/{experiment}/variants/{variant}/{recording}/{model}/{weights}.parquet",
    log:
        "results/{experiment}/logs/fit_variant/{variant}/{recording}/{model}/{weights}.log",
    benchmark:
        "results/{experiment}/benchmarks/fit_variant/{variant}/{recording}/{model}/{weights}.tsv"
    conda:
        "../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=request.encoding_mem_mb,
        runtime=request.encoding_runtime,
        gpu=request.encoding_gpus,
    params:
        code=ex.code_of("fit_variant"),
        labels=ex.labels,
        kinds=analysis.variant("mappings"),
        protocol=analysis.variant("protocol"),
        components=config["encoding"]["components"],
        rule=config["encoding"]["rule"],
        ridge=config["encoding"]["ridge"],
        device=request.encoding_device,
        fall_back=config["encoding"]["device"] == "auto",
        folds=analysis.folds_of_variant,
        split=analysis.split_of_job,
        pool=analysis.pool,
        pca=analysis.pca,
        window=analysis.window,
        seed=config["seed"],
    script:
        "../scripts/fit_variant.py"


rule predict_recording:
    """One recording from the sites of every other one that was shown the same pictures."""
    input:
        recording="results/recordings/{recording}.h5",
        shown=data.labelled_images,
        others=data.other_recordings,
        others_shown=data.images_of_others,
        divided=analysis.parts,
    output:
        scores="results/{experiment}/recording_pairs/{recording}.parquet",
        pairs="results/{experiment}/recording_pairs/{recording}.pairs.parquet",
        shared="results/{experiment}/recording_pairs/{recording}.shared.parquet",
        curves="results/{experiment}/recording_pairs/{recording}.curves.parquet",
        predictions="results/{experiment}/recording_pairs/{recording}.predictions.h5",
    log:
        "results/{experiment}/logs/predict_recording/{recording}.log",
    benchmark:
        "results/{experiment}/benchmarks/predict_recording/{recording}.tsv"
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=request.pairs_mem_mb,
        runtime=request.pairs_runtime,
        gpu=request.encoding_gpus,
    params:
        code=ex.code_of("predict_recording"),
        name="{recording}",
        names=data.names_of_others,
        windows=analysis.windows_of_others,
        mappings=analysis.site_mappings,
        protocol=analysis.protocol,
        components=config["encoding"]["components"],
        rule=config["encoding"]["rule"],
        ridge=config["encoding"]["ridge"],
        device=request.encoding_device,
        fall_back=config["encoding"]["device"] == "auto",
        folds=analysis.folds,
        pool=config["encoding"]["pool"],
        window=analysis.window,
        sweep=analysis.sweep,
        permutations=config["encoding"]["permutations"],
        draws=config["ceiling"]["draws"],
        seed=config["seed"],
    script:
        "../scripts/predict_recording.py"


rule estimate_ceiling:
    """Every noise ceiling that one recording allows."""
    input:
        recording="results/recordings/{recording}.h5",
        truth=data.truth,
        scores=data.predicted_by_others,
        pairs=data.pairs_with_others,
        divided=analysis.parts,
    output:
        ceilings="results/{experiment}/ceilings/{recording}.parquet",
    log:
        "results/{experiment}/logs/estimate_ceiling/{recording}.log",
    benchmark:
        "results/{experiment}/benchmarks/estimate_ceiling/{recording}.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1900),
        runtime=rising(60),
    params:
        code=ex.code_of("estimate_ceiling"),
        name="{recording}",
        protocol=analysis.protocol,
        folds=analysis.folds,
        window=analysis.window,
        sweep=analysis.sweep,
        used=analysis.ceiling,
        mappings=analysis.site_mappings,
        splits=config["ceiling"]["splits"],
        permutations=config["encoding"]["permutations"],
        seed=config["seed"],
    script:
        "../scripts/estimate_ceiling.py"


rule align_maps:
    """Spearman rho between predicted and recorded maps, at full, half and quarter grid."""
    input:
        recording="results/recordings/{recording}.h5",
        predictions="results/{experiment}/encoding/{recording}/{model}/{weights}.predictions.h5",
    output:
        alignment="results/{experiment}/alignment/{recording}/{model}/{weights}.parquet",
    log:
        "results/{experiment}/logs/align_maps/{recording}/{model}/{weights}.log",
    benchmark:
        "results/{experiment}/benchmarks/align_maps/{recording}/{model}/{weights}.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("align_maps"),
        method=config["alignment"]["surrogates"],
        draws=config["alignment"]["draws"],
        seed=config["seed"],
        labels=ex.labels,
    script:
        "../scripts/align_maps.py"


rule keep_mapping:
    """The mapping of one model to one recording, fitted to all images, for predictions of others."""
    input:
        activations=ex.activations_of,
        recording="results/recordings/{recording}.h5",
        scores="results/{experiment}/encoding/{recording}/{model}/{weights}.parquet",
        divided=analysis.parts,
    output:
        mapping="results/{experiment}/mappings/{recording}/{model}/{weights}.h5",
    log:
        "results/{experiment}/logs/keep_mapping/{recording}/{model}/{weights}.log",
    benchmark:
        "results/{experiment}/benchmarks/keep_mapping/{recording}/{model}/{weights}.tsv"
    conda:
        "../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=request.encoding_mem_mb,
        runtime=request.encoding_runtime,
    params:
        code=ex.code_of("keep_mapping"),
        labels=ex.labels,
        kind=config["encoding"]["mappings"][0],
        protocol=analysis.protocol,
        components=config["encoding"]["components"],
        rule=config["encoding"]["rule"],
        ridge=config["encoding"]["ridge"],
        folds=analysis.folds,
        pool=config["encoding"]["pool"],
        window=analysis.window,
        seed=config["seed"],
    script:
        "../scripts/keep_mapping.py"


rule predict_responses:
    """Responses of every site to one's own pictures, as the kept mapping of one model predicts them."""
    input:
        mapping="results/{experiment}/mappings/{recording}/{model}/{weights}.h5",
        weights="results/weights/{model}/{weights}.safetensors",
        images=[*analysis.pictures.values()],
    output:
        responses="results/{experiment}/predicted/{recording}/{model}/{weights}.parquet",
        responses_csv="results/{experiment}/predicted/{recording}/{model}/{weights}.csv",
    log:
        "results/{experiment}/logs/predict_responses/{recording}/{model}/{weights}.log",
    benchmark:
        "results/{experiment}/benchmarks/predict_responses/{recording}/{model}/{weights}.tsv"
    conda:
        "../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=request.extraction_mem_mb,
        runtime=rising(60),
        gpu=ex.gpus,
    params:
        code=ex.code_of_network("predict_responses"),
        labels=ex.labels,
        names=[*analysis.pictures],
        batch_size=ex.batch_size,
        device=config["device"],
        seed=config["seed"],
    script:
        "../scripts/predict_responses.py"


rule partition_variance:
    """What two networks explain of a recording, each beyond the other, and both."""
    input:
        activations=ex.activations_of,
        other_activations=analysis.of_other("results/activations/{stimuli}/{model}/{weights}.h5"),
        recording="results/recordings/{recording}.h5",
        predictions="results/{experiment}/encoding/{recording}/{model}/{weights}.predictions.h5",
        other_predictions=analysis.of_other(
            "results/{experiment}/encoding/{recording}/{model}/{weights}.predictions.h5"
        ),
        divided=analysis.parts,
    output:
        variance="results/{experiment}/unique_variance/{recording}/{model}/{weights}/{other_model}/{other_weights}.parquet",
    log:
        "results/{experiment}/logs/partition_variance/{recording}/{model}/{weights}/{other_model}/{other_weights}.log",
    benchmark:
        "results/{experiment}/benchmarks/partition_variance/{recording}/{model}/{weights}/{other_model}/{other_weights}.tsv"
    conda:
        "../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=request.variance_mem_mb,
        runtime=request.variance_runtime,
        gpu=request.encoding_gpus,
    params:
        code=ex.code_of("partition_variance"),
        labels=analysis.pair_labels,
        mapping=config["encoding"]["mappings"][0],
        protocol=analysis.protocol,
        ridge=config["encoding"]["ridge"],
        device=request.encoding_device,
        fall_back=config["encoding"]["device"] == "auto",
        folds=analysis.folds,
        pool=analysis.pool,
        window=analysis.window,
        draws=config["statistics"]["draws"],
        seed=config["seed"],
    script:
        "../scripts/partition_variance.py"
