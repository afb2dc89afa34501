"""Rule plot_recordings: photographs of every recording, with the activity over them."""

from itcortex import store
from itcortex.figures import captions, examples, style
from itcortex.figures import recordings as figure
from itcortex.running import job


def main(recordings, stimuli, pdf, png, rst, recording_names, windows, title, caption):
    """Draw a block for every recording.

    `recordings`, `stimuli`, `recording_names` and `windows` (ms, or None) are in one order.
    """
    blocks = [
        examples.recorded(name, store.read_recording(path), store.read_stimuli(images), window)
        for name, path, images, window in zip(
            recording_names, recordings, stimuli, windows, strict=True
        )
    ]
    said = captions.of_recordings({block.title: block.recorded.shape for block in blocks})
    style.save(figure.draw(blocks), pdf, png, rst, title, caption, said)


if __name__ == "__main__":
    job.run(main, snakemake)
