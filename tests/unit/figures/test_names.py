"""Long names are broken into lines, or lose their middle."""

import pytest

from itcortex.figures import names


def test_names_of_models_are_broken_after_separators():
    assert names.wrap("tf_efficientnet_lite0 imagenet") == "tf_efficientnet_\nlite0 imagenet"
    assert names.wrap("resnet18") == "resnet18"


def test_file_names_lose_their_suffix_and_their_middle():
    assert names.shorten_file("a_very_long_name_of_a_rocket_000017.jpg") == "a_very_lo…t_000017"
    assert names.shorten_file("chelsea.png") == "chelsea"


@pytest.mark.parametrize("most", [5, 18, 29, 30])
def test_a_long_name_has_exactly_the_length_asked_for(most):
    name = "resnet50 harmonized/strength-1.0/seed-3"
    short = names.shorten(name, most)
    head, tail = short.split("…")
    assert len(short) == most
    assert name.startswith(head) and name.endswith(tail) and 0 <= len(head) - len(tail) <= 2
    assert names.shorten(name, len(name)) == name
