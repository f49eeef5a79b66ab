"""What Sphinx reads: links between files of the repository become links between pages, and labs become scripts."""

import re

import pytest

from ninelives import weights, widgets
from ninelives.build import ROOT
from ninelives.progress import LABS
from ninelives.site.live import lab_of
from ninelives.site.sources import HERE, lab_script, relink, source_of, write_contents


@pytest.mark.parametrize("file, page", {
    "release/02-attention/02-attention.ipynb": "notebooks/02-attention.ipynb",
    "solutions/02-attention/02-attention.ipynb": "notebooks/02-attention.ipynb",
    "release/labs/causes.ipynb": "labs/causes.ipynb",
    "docs/teaching/dates.md": "docs/teaching/dates.md",
    "CHANGELOG.md": "docs/changelog.md",
    "bench/README.md": None,
}.items())
def test_a_file_of_the_repository_has_its_page(file, page):
    assert source_of(file) == page


@pytest.mark.parametrize("text, file, page, wanted", [
    ("[3](../03-transformer/03-transformer.ipynb)", "release/02-attention/02-attention.ipynb", "notebooks/02-attention.ipynb",
     "[3](../notebooks/03-transformer.ipynb)"),
    ("[causes](../labs/causes.ipynb)", "release/09-training/09-training.ipynb", "notebooks/09-training.ipynb", "[causes](../labs/causes.ipynb)"),
    ("[late](docs/teaching/dates.md#late)", "CHANGELOG.md", "docs/changelog.md", "[late](../docs/teaching/dates.md#late)"),
    ("![a report](../report.png)", "docs/teaching/report.md", "docs/teaching/report.md", "![a report](../../docs/report.png)"),
    ("see [the benchmarks](../../bench/README.md).", "docs/teaching/tried.md", "docs/teaching/tried.md", "see the benchmarks."),
    ("[PyTorch](https://pytorch.org) [below](#below)", "docs/explorer.md", "docs/explorer.md", "[PyTorch](https://pytorch.org) [below](#below)"),
])
def test_links_lead_to_pages_and_what_has_no_page_becomes_words(text, file, page, wanted):
    assert relink(text, file, page) == wanted


@pytest.mark.parametrize("name", widgets.__all__)
def test_each_lab_is_a_classic_script_which_a_page_on_disk_may_load(name):
    script = lab_script(lab_of(getattr(widgets, name)))
    lines = [line for line in script.splitlines() if line.startswith(("import ", "export "))]
    assert lines == [] and "return (el, state) => mount(render, el, state);" in script


def test_all_labs_are_listed_in_the_order_in_which_notebook_9_recommends_them(tmp_path):
    write_contents(tmp_path / "site", ["notebooks/01-embeddings", *(f"labs/{name}" for name in sorted(LABS))])
    contents, readme = (path.read_text("utf-8") for path in (tmp_path / "site" / "contents.md", ROOT / "README.md"))
    nine = (ROOT / "course" / "notebooks" / "09_training.py").read_text("utf-8").rpartition("## Where next")[2]
    assert {*LABS} == {path.stem for path in (ROOT / "course" / "labs").glob("*.py")}
    assert re.findall(r"^labs/(\w+)$", contents, re.MULTILINE) == [*LABS]
    assert [re.findall(r"labs/(\w+)\.ipynb", text) for text in (readme, nine)] == [[*LABS], [*LABS]]


def test_the_contents_say_of_each_model_what_it_is_and_where_it_is_met():
    lines = dict(re.findall(r"^\| \*(\w+)\* \|(.*)$", (HERE / "contents.md").read_text("utf-8"), re.MULTILINE))
    for name, line in lines.items():
        model, _ = weights.load(name)
        parts = (model.encoder, model.decoder) if name == "translator" else (model,)
        for part in parts:
            assert f"{part.config.n_layer} layers of {part.config.n_head} heads" in line
        loads = f'weights.load("{name}")'
        loading = {int(path.name[:2]) for path in (ROOT / "course" / "notebooks").glob("*.py") if loads in path.read_text("utf-8")}
        assert loading == {*map(int, re.findall(r"\d", line.rpartition("notebook")[2].partition(";")[0]))}
    assert [*lines] == ["storyteller", "reader", "antecedent", "translator"]


def test_the_head_that_finds_the_cat_in_one_model_attends_to_the_word_before_in_another():
    translator, reader = (weights.card(name)["figures"]["float16"] for name in ("translator", "reader"))
    assert translator['mean weight from "it" on the antecedent, encoder layer 1, each head'][3] > 0.9
    assert reader["mean weight, layer 2, each head: the word before"][3] > 0.9
    assert all("layer 2, head 4" in path.read_text("utf-8") for path in (HERE / "contents.md", ROOT / "course" / "notebooks" / "02_attention.py"))
