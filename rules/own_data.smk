"""A user's own recordings and pictures, brought into the form that all others have."""


rule import_recording:
    """Own responses (image, y, x, ms, site) in image orientation, named as their pictures."""

    # The file is no input: its content decides whether it is read again, not when it was written.
    input:
        shown=data.labelled_images,
    output:
        recording="results/recordings/{recording}.h5",
    log:
        "results/logs/import_recording/{recording}.log",
    benchmark:
        "results/benchmarks/import_recording/{recording}.tsv"
    wildcard_constraints:
        recording=any_of(data.own("recordings")),
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1900),
        runtime=rising(60),
    params:
        code=ex.code_of("import_recording"),
        entry=data.recording_entry,
        digests=data.digests,
    script:
        "../scripts/import_recording.py"


rule import_stimuli:
    """Own pictures, of a folder or a zip, as one uint8 array with their names."""
    input:
        listed=data.list_of_images,
    output:
        stimuli="results/stimuli/{stimuli}.h5",
    log:
        "results/logs/import_stimuli/{stimuli}.log",
    benchmark:
        "results/benchmarks/import_stimuli/{stimuli}.tsv"
    wildcard_constraints:
        stimuli=any_of(data.own("stimuli")),
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(120),
    params:
        code=ex.code_of("import_stimuli"),
        place=data.of_stimuli("path"),
        size_px=config["stimuli"]["size_px"],
        format=data.format_of_list,
        digests=data.digests,
    script:
        "../scripts/import_stimuli.py"
