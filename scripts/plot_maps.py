"""Rule plot_maps: recorded against predicted maps of activity over the photograph."""

from itcortex import store
from itcortex.figures import captions, examples, maps, style
from itcortex.running import job


def main(
    recordings, stimuli, predictions, pdf, png, rst, recording_names, models, n_images,
    title, caption,
):  # fmt: skip
    """Draw one block per recording; `models` are labels "model weights".

    `recordings`, `stimuli` and `recording_names` are in one order. `predictions` may be in any order:
    they hold the names of their recordings and models.
    """
    predicted = [store.read_recording(path) for path in predictions]
    blocks = [
        examples.join(
            name,
            store.read_recording(recording),
            store.read_stimuli(images),
            examples.of_recording(predicted, name, models),
        )
        for name, recording, images in zip(recording_names, recordings, stimuli, strict=True)
    ]
    aligned = {one.title: examples.alignment(one) for one in blocks if one.has_grid}
    said = captions.of_maps(aligned)
    style.save(maps.draw(blocks, n_images), pdf, png, rst, title, caption, said)


if __name__ == "__main__":
    job.run(main, snakemake)
