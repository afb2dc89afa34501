"""Files of Keras weights, each made once."""

import shutil

import pytest


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """{architecture: (file, images, Keras' output)}, each made once."""
    from made import keras as made_keras  # not at the top: they load torch
    from made.keras_cases import CASES

    folder, cache = tmp_path_factory.mktemp("keras"), {}

    def of(architecture: str):
        if architecture not in cache:
            net, images, output = CASES[architecture].made()
            path = made_keras.save_weights(net, folder / f"{architecture}.h5")
            cache[architecture] = path, images, output
        return cache[architecture]

    return of


@pytest.fixture
def small(made, tmp_path):
    """A copy, to spoil, of the file of a small ConvNeXt."""
    return shutil.copy(made("convnext_tiny")[0], tmp_path / "convnext.h5")
