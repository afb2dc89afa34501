"""Look at a file of responses and print the settings to paste; nothing is written.

Run as: make import-recording FILE=responses.csv STIMULI=pictures
"""

import argparse
import sys

import yaml

from itcortex.data.own.guess import guess, overlay, picture_names
from itcortex.errors import UserError
from itcortex.running.log import logged_to

#: What the file may mean otherwise, by the key of the entry that was found to fit.
_TAKEN = {
    "repeats": "Rows of one image are taken for repeats: if some are there by mistake, delete them.",
    "incomplete": "Sites without a response to some image are left out: see whether enough are left.",
}


def main() -> int:
    """Print the settings of an experiment on the file; 1 if it cannot be read yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", help="file of responses")
    parser.add_argument("stimuli", help="folder or zip of the pictures that were shown")
    given = parser.parse_args()
    try:
        with logged_to(sys.stderr):
            entry, recording, problem = guess(given.file, given.stimuli)
        n_pictures = len(picture_names(given.stimuli))
    except UserError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    if recording is None:
        print(f"Error: {problem}", file=sys.stderr)
        print("\nThe entry so far:\n")
        print(yaml.safe_dump({"recordings": [entry]}, sort_keys=False, allow_unicode=True))
        return 1
    print(f"# {_in_words(recording, n_pictures)}")
    print(
        "# Put this into a file such as experiments/mine.yaml, and write what is known of the animal."
    )
    for key, said in _TAKEN.items():
        if key in entry:
            print(f"# {said}")
    print(yaml.safe_dump(overlay(entry, recording), sort_keys=False, allow_unicode=True))
    return 0


def _in_words(recording, n_pictures: int) -> str:
    grid = recording.responses.shape[1:3]
    parts = [
        f"{len(recording.image_ids)} of {n_pictures} pictures",
        f"{len(recording.site_ids)} sites",
        f"up to {recording.trials.shape[-1]} repeats"
        if recording.trials is not None
        else "no repeats",
        f"a grid of {grid[0]} x {grid[1]}" if recording.has_grid else "no grid",
        f"{recording.responses.shape[3]} time bins" if recording.has_time else "no time axis",
    ]
    return ", ".join(parts)


if __name__ == "__main__":
    sys.exit(main())
