"""How images were held out, in words, from the setting `encoding: folds`."""


def held_out(folds: str | int | dict) -> str:
    """How images were held out, for every recording that differs."""
    if not isinstance(folds, dict) or "default" not in folds:
        return f"Held out was {_in_words(folds)}."
    others = [f"{_in_words(one)} of {name}" for name, one in folds.items() if name != "default"]
    return f"Held out was {'; '.join([_in_words(folds['default']), *others])}."


def _in_words(folds: str | int | dict) -> str:
    if folds == "image":
        return "one image at a time"
    if not isinstance(folds, dict):
        return f"one of {folds} folds of the images at a time"
    if folds["kind"] == "clusters":
        return f"each of {folds['k']} clusters of images, by a network's features, in turn"
    if folds["kind"] == "far":
        share = f"{100 * folds['share']:g} % of the images"
        return f"one test set of {share}, as far as possible from the training images to a network"
    if folds["kind"] == "split":
        return f"the test set that the images' column {folds['name']!r} names"
    return f"every value of the images' column {folds['name']!r} in turn"
