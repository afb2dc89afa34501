"""Classes of ImageNet by number, WordNet id and name."""

import pytest

from itcortex.errors import UserError
from itcortex.networks.imagenet import Classes, class_of_folder, imagenet_classes

pytestmark = pytest.mark.network

CLASSES = imagenet_classes()
NUMBERS = [str(number) for number in range(1000)]


def test_the_classes_are_those_of_a_networks_scores():
    """Known ones at the start, at the end, and of the photographs that networks are shown."""
    assert len(CLASSES.ids) == len(CLASSES.names) == len(set(CLASSES.ids)) == 1000
    known = {0: "n01440764", 1: "n01443537", 285: "n02124075", 967: "n07920052", 999: "n15075141"}
    assert {number: CLASSES.ids[number] for number in known} == known
    assert [CLASSES.short(n) for n in (0, 285, 698)] == ["tench", "Egyptian cat", "palace"]


def test_folders_may_be_named_by_number_id_or_name():
    """Numbers are numbers, not text: folder `10` is class 10, and does not come after `1`."""
    assert class_of_folder(NUMBERS, CLASSES, "val") == {name: int(name) for name in NUMBERS}
    padded = [f"{number:04d}" for number in range(1000)]
    assert class_of_folder(padded, CLASSES, "val")["0010"] == 10
    assert class_of_folder(CLASSES.ids[::-1], CLASSES, "val")["n02124075"] == 285
    names = Classes(("a", "b", "c"), ("tench, Tinca tinca", "great white shark, man-eater", "coil"))
    for spelt in (["Tench", "great_white_shark", "coil"], ["Tinca tinca", "man eater", "COIL"]):
        assert list(class_of_folder(spelt, names, "val").values()) == [0, 1, 2]


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        (NUMBERS[:10], r"val: has folders of 10 classes, and top-1 is over all 1000 .* none for 'bra"),
        ([*CLASSES.ids[1:], "tench"], r"folder 'tench' is named by name, most others by WordNet id"),
        ([*NUMBERS[:-1], "1000"], r"folder '1000' names no class of ImageNet; name all folders by"),
        ([*CLASSES.ids[1:], "n01440765"], r"'n01440765' names no class .*did you mean 'n01440764'"),
        (["00", *NUMBERS], r"folders '00' and '0' are one class \(tench, Tinca tinca\)"),
        (
            [CLASSES.short(number) for number in range(1000)],
            r"folder 'crane' is the name of 2 classes; name the folders by WordNet id: n02012849 or",
        ),
        ([], r"val: has folders of 0 classes"),
    ],
)  # fmt: skip
def test_folders_that_do_not_say_all_classes(folders, message):
    with pytest.raises(UserError, match=message):
        class_of_folder(folders, CLASSES, "val")
