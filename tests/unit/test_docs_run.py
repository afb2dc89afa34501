"""What the documentation shows is tried: snippets run, commands exist, all pages are listed."""

import doctest
import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import yaml

from itcortex.workflow.schemas import load_yaml

TOP = Path(__file__).resolve().parents[2]
DOCS = TOP / "docs"
PAGES = sorted(DOCS.glob("*.md"))
READ = [*PAGES, TOP / "README.md", TOP / "CONTRIBUTING.md"]


def load_generated():
    """docs/generated.py, which is no package."""
    spec = spec_from_file_location("docs_generated", DOCS / "generated.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generated = load_generated()


def blocks(page: Path, language: str) -> list[str]:
    """Fenced blocks of one language."""
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def interactive(page: Path) -> list[str]:
    return [block for block in blocks(page, "python") if ">>> " in block]


# --- snippets -------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [p for p in PAGES if interactive(p)], ids=lambda page: page.name)
def test_the_snippets_of_a_page_run_in_their_order(page):
    parser, names = doctest.DocTestParser(), {}
    runner = doctest.DocTestRunner()
    for block in interactive(page):
        test = parser.get_doctest(block, names, page.name, str(page), 0)
        runner.run(test, clear_globs=False)
        names = test.globs
    assert runner.summarize(verbose=False).failed == 0
    assert runner.tries > 0


def test_other_python_is_python():
    """What needs a network or data is at least no wrong syntax; Snakemake's is tried elsewhere."""
    for page in PAGES:
        for block in blocks(page, "python"):
            if ">>> " not in block and "module itcortex:" not in block:
                compile(block, str(page), "exec")


def test_yaml_that_is_shown_is_valid_for_the_settings():
    from itcortex.workflow.schemas import check, load_yaml

    schema = load_yaml(TOP / "rules" / "schemas" / "config.schema.yaml")
    config = load_yaml(TOP / "config.yaml")
    shown = [yaml.safe_load(block) for page in PAGES for block in blocks(page, "yaml")]
    assert len(shown) >= 3
    for overlay in shown:
        merged = {
            key: (config[key] | value if isinstance(value, dict) and key in config else value)
            for key, value in (config | overlay).items()
        }
        check(merged, schema, "docs")


# --- commands -------------------------------------------------------------------------------------


def commands(page: Path) -> list[str]:
    """Commands in backticks, in tables and in blocks."""
    text = page.read_text(encoding="utf-8")
    found = re.findall(r"`(make [^`\n]*|\.venv/bin/[^`\n]*)`", text)
    for block in blocks(page, ""):
        found += [line for line in block.splitlines() if re.match(r"make |\.venv/bin/", line)]
    return [command.split("#")[0].strip() for command in found]


def test_every_make_target_and_file_of_a_command_exists():
    makefile = (TOP / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    seen = set()
    for page in READ:
        for command in commands(page):
            words = command.split()
            if words[0] == "make":
                named = [w for w in words[1:] if "=" not in w and re.fullmatch(r"[a-z-]+", w)]
                assert set(named[:1]) <= targets, f"{page.name}: {command}"
                seen.update(named[:1])
            for word in words:
                # (a reader's own file is called mine)
                if re.fullmatch(r"(experiments|profiles|envs)/(?!mine\.)[\w/.]+", word):
                    assert (TOP / word).exists(), f"{page.name}: {command}: {word}"
    assert {"demo", "paper", "stage", "status", "docs", "test"} <= seen


# --- the site -------------------------------------------------------------------------------------


def test_every_page_is_in_the_contents():
    text = (DOCS / "contents.md").read_text(encoding="utf-8")
    listed = {line for block in re.findall(r"```{toctree}\n(.*?)```", text, re.DOTALL)
              for line in block.splitlines() if line and not line.startswith(":")}  # fmt: skip
    pages = {page.stem for page in PAGES} | {
        page.relative_to(DOCS).with_suffix("").as_posix() for page in DOCS.glob("notebooks/*.md")
    }
    assert pages - {"contents"} == {name for name in listed if not name.startswith("_generated/")}
    assert {f"_generated/{name.lower()[:-3]}" for name in generated.ABOVE} <= listed


def test_the_settings_page_has_every_key_of_the_schema():
    schema = load_yaml(TOP / "rules" / "schemas" / "config.schema.yaml")
    page = generated.settings_page(schema)
    assert re.findall(r"^## `(\w+)`$", page, re.MULTILINE) == list(schema["properties"])
    for key in schema["properties"]["encoding"]["properties"]:
        assert f"| `{key}` |" in page or f"`{key}" in page
    assert "| `keep_mappings` | Keep the mapping" in page
    assert "`true` or `false` | `false` |" in page
    assert "`training`" in page and "`<name>: recipe`" in page


def test_the_page_of_columns_includes_every_section_of_the_dictionary():
    page = (DOCS / "tables.md").read_text(encoding="utf-8")
    parts = re.findall(r"^## (.+)\n\n```{include} _generated/(.+)\n```$", page, re.MULTILINE)
    sections = generated.dictionary.sections()
    assert parts == [(one.title, generated.included(one)) for one in sections]
    text = generated.columns_of(sections[1])
    assert text.startswith("What was scored") and "`summary`: one row is" in text
    assert "| `r_over_ceiling` | ratio | r over the ceiling |" in text


def test_the_licences_page_names_every_dataset_and_table():
    page = generated.licences_page(TOP)
    registry = load_yaml(TOP / "experiments" / "datasets.yaml")
    for name in [*registry["datasets"], *registry["scores"]]:
        assert f"| `{name}` |" in page
    assert "GPL-3.0" in page


def test_links_out_of_the_folder_lead_to_copies(tmp_path):
    source = ["See [a](../CONTRIBUTING.md#caching) and [b](tables.md)."]
    generated.redirect("reruns", source)
    assert source == ["See [a](_generated/contributing.md#caching) and [b](tables.md)."]
    page = tmp_path / "README.md"
    page.write_text(
        "[m](docs/method.md#x) [c](CITATION.cff) ![p](docs/pictures/a.png) [h](CHANGELOG.md)"
    )
    assert generated.above(page) == (
        "[m](../method.md#x) c ![p](../pictures/a.png) [h](changelog.md)"
    )


# --- the release ----------------------------------------------------------------------------------


def test_the_version_is_one():
    """Of the package, the citation and the newest entry of the changelog, which has the same date."""
    version = generated.version_of(TOP)
    cited = yaml.safe_load((TOP / "CITATION.cff").read_text(encoding="utf-8"))
    heading = re.search(r"^## (\S+) \((.+)\)$", (TOP / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert (cited["version"], str(cited["date-released"])) == heading.groups()
    assert cited["version"] == version
    assert cited["cff-version"] == "1.2.0" and cited["authors"] and cited["license"] == "Apache-2.0"


def test_the_forge_runs_what_ci_runs():
    jobs = yaml.safe_load((TOP / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    commands = {step["run"] for job in jobs.values() for step in job["steps"] if "run" in step}
    assert {".ci/run", "make docs", "python -m pip install ."} <= commands
    python = re.search(
        r"^# Python (.+)$", (TOP / "envs" / "requirements.txt").read_text(), re.MULTILINE
    )
    assert jobs["test"]["steps"][1]["with"]["python-version"] == python[1]
