"""Rule plot_timecourse: predictivity over time after stimulus onset."""

from itcortex import job, store
from itcortex.figures import style, timecourse


def main(summary, pdf, png, recordings=(), recording_names=()):
    """Draw every model's course; of `recordings`, named in the same order, the mean response."""
    read = {
        name: store.read_recording(path)
        for name, path in zip(recording_names, recordings, strict=True)
    }
    responses = {
        name: timecourse.population_response(recording)
        for name, recording in read.items()
        if recording.has_time
    }
    drawn = timecourse.draw(store.read_table(summary), responses=responses)
    style.save(drawn, pdf, png)


if __name__ == "__main__":
    job.run(main, snakemake)
