"""What Sphinx reads: links between files of the repository become links between pages, and labs become scripts."""

import pytest

from ninelives import widgets
from ninelives.site.live import lab_of
from ninelives.site.sources import lab_script, relink, source_of


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
