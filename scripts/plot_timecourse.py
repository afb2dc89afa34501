"""Rule plot_timecourse: predictivity over time after stimulus onset."""

from itcortex import store
from itcortex.figures import captions, style, timecourse
from itcortex.running import job
from itcortex.tables.summary import of_mapping


def main(summary, pdf, png, rst, recordings, recording_names, mapping, title, caption):
    """Draw every model's course by one mapping; of `recordings`, in order, the mean response."""
    read = {
        name: store.read_recording(path)
        for name, path in zip(recording_names, recordings, strict=True)
    }
    responses = {
        name: timecourse.population_response(recording)
        for name, recording in read.items()
        if recording.has_time
    }
    rows = of_mapping(store.read_table(summary), mapping)
    drawn = timecourse.draw(rows, responses=responses)
    style.save(drawn, pdf, png, rst, title, caption, captions.of_timecourse(rows))


if __name__ == "__main__":
    job.run(main, snakemake)
