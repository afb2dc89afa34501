"""One truth about where everything lies: what rules spell is what `paths` holds, and nothing else is."""

import ast
import re
from pathlib import Path

import pytest

from itcortex.workflow import paths

REPOSITORY = Path(__file__).resolve().parents[3]
RULES = [REPOSITORY / "Snakefile", *sorted(REPOSITORY.glob("rules/*.smk"))]
LEFT = ("SHARED_LOG", "SHARED_BENCHMARK", "LOG", "BENCHMARK")
PATTERNS = {
    name: value
    for name, value in vars(paths).items()
    if name.isupper() and isinstance(value, str) and value.startswith("results/")
}
RESULTS = {name: value for name, value in PATTERNS.items() if name not in LEFT}
#: Wildcards for which a rule may have a name of its own: it makes one table, not any.
NAMED = ("table", "figure", "dataset", "file", "kind")


def spelled(path: Path) -> set[str]:
    """Paths below results/ that a rule file spells, wildcards in single braces."""
    found = re.findall(r'(?<!")"(results/[^"]+)"(?!")', path.read_text(encoding="utf-8"))
    return {text.replace("{{", "{").replace("}}", "}") for text in found}


def as_regex(pattern: str) -> re.Pattern:
    """What a rule may spell for a pattern: its wildcards, some of them by name."""
    parts = re.split(r"\{(\w+)\}", pattern)
    for k in range(0, len(parts), 2):
        parts[k] = re.escape(parts[k])
    for k in range(1, len(parts), 2):
        name = parts[k]
        parts[k] = rf"(?:\{{{name}\}}|[\w{{}}.-]+?)" if name in NAMED else rf"\{{{name}\}}"
    return re.compile("".join(parts))


def rules() -> list[tuple[str, str]]:
    """Name and text of every rule."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in RULES)
    named = re.split(r"^rule (\w+):$", text, flags=re.MULTILINE)[1:]
    return list(zip(named[::2], named[1::2], strict=True))


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_every_path_of_a_rule_is_one_of_the_patterns(path):
    regexes = [as_regex(pattern) for pattern in RESULTS.values()]
    for text in spelled(path):
        if "/logs/" not in text and "/benchmarks/" not in text:
            assert any(regex.fullmatch(text) for regex in regexes), text


def test_every_pattern_is_made_by_a_rule():
    """A pattern that no rule makes is dead, or misspelled."""
    outputs = set()
    for _, body in rules():
        block = re.search(r"^    output:\n((?:        .*\n)+)", body, re.MULTILINE)
        outputs.update(re.findall(r'"(results/[^"]+)"', block[1]) if block else [])
    for name, pattern in RESULTS.items():
        assert any(as_regex(pattern).fullmatch(text) for text in outputs), name


def test_logs_and_benchmarks_lie_where_their_patterns_say():
    checked = 0
    for rule, body in rules():
        for kind, patterns in (
            ("log", (paths.LOG, paths.SHARED_LOG)),
            ("benchmark", (paths.BENCHMARK, paths.SHARED_BENCHMARK)),
        ):
            for text in re.findall(rf'^    {kind}:\n\s+"([^"]+)"', body, re.MULTILINE):
                job = text.partition(f"/{rule}")[2].rpartition(".")[0]
                wanted = [
                    pattern.replace("{rule}", rule).replace("{job}", job) for pattern in patterns
                ]
                assert text in wanted and re.fullmatch(r"(/\{\w+\})*", job), text
                checked += 1
    assert checked > 60


def test_no_other_module_spells_a_path():
    """A docstring may; a message may say what a path looks like."""
    for path in sorted((REPOSITORY / "scripts").rglob("*.py")):
        if path.name == "paths.py":
            continue
        code = path.read_text(encoding="utf-8")
        if "results/" not in code:
            continue
        nodes = list(ast.walk(ast.parse(code)))
        texts = {
            node.value.value for node in nodes
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }  # fmt: skip
        for node in nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
                assert text in texts or not text.startswith("results/"), f"{path}: {text}"


def test_a_prepared_shard_is_found_from_its_download_and_back():
    assert paths.prepared_clickme("train-3.tfrecords") == "results/clickme/train/3.parquet"
    shards = [f"train-{n}.tfrecords" for n in range(3)]
    prepared = [paths.prepared_clickme(shard) for shard in shards]
    assert paths.clickme_shards(["a/b", *prepared, "results/clickme/val/x.parquet"]) == shards


def test_photographs_are_one_file_or_one_a_shard():
    clickme = {"format": "clickme", "files": ["val-0.tfrecords", "val-1.tfrecords"]}
    assert paths.photographs("clickme", clickme) == [
        "results/clickme/val/0.parquet",
        "results/clickme/val/1.parquet",
    ]
    osie = {"format": "osie", "files": ["s.zip", "f.mat", "m.zip"]}
    assert paths.photographs("osie", osie) == ["results/attention/osie.parquet"]


def test_an_end_is_the_same_wherever_results_lie():
    assert paths.end_of(paths.RECORDING) == "recordings/{recording}.h5"
    end = "encoding/{recording}/{model}/{weights}.predictions.h5"
    assert paths.end_of(paths.PREDICTIONS) == end


def test_a_constraint_takes_its_names_and_nothing_else():
    constraint = paths.any_of(["a.b", "c", "c", "w/strength-0.5/seed-1"])
    taken = [
        n for n in ("a.b", "axb", "c", "w/strength-0.5/seed-1", "") if re.fullmatch(constraint, n)
    ]
    assert taken == ["a.b", "c", "w/strength-0.5/seed-1"]
    assert not re.fullmatch(paths.any_of([]), "")
