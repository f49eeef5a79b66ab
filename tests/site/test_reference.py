"""The package's reference, which autodoc makes from the docstrings, and the links to its entries."""

import contextlib
import importlib
import io
import re
from collections import Counter

import pytest
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

from ninelives.build import ROOT
from ninelives.site.__main__ import HERE
from ninelives.site.reference import SETTINGS, SOURCE, source_of

PAGE = """# Page

`AttentionExplorer.of`, `figures.heatmap(weights, words)`, `ninelives.widgets.HeadLab` and `generate(model, idx)` have entries,
as `future_leak` and `encode(text)`, of which there are several, `mask`, `nn.Embedding` and `layer=1` have none. Not linked twice: [`HeadLab`](api/widgets).

```{toctree}
api/config
```
"""
IMPORT = re.compile(r"^ *from (ninelives(?:\.\w+)*) import (\([^)]*\)|.*)$", re.MULTILINE)
WITHOUT_ENTRY = re.compile(r"ninelives\.(?:checks|questions|site|grading|made_of)\b")  # for those who make the course, or a check or a question


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """The pages of the reference and one more, read by Sphinx; nothing is written."""
    source, work = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("work")
    (source / "api").symlink_to(HERE / "api")
    (source / "page.md").write_text(PAGE, encoding="utf-8")
    with contextlib.redirect_stderr(io.StringIO()) as warnings:
        app = Sphinx(source, None, work, work, "dummy", SETTINGS | {
            "extensions": ["myst_parser", "ninelives.site.reference"], "root_doc": "page",
            "source_suffix": {".rst": "restructuredtext", ".md": "markdown"},  # else what MyST-NB has put there in another test
            "suppress_warnings": ["toc.not_included"],
        }, status=None)
        app.build()
    assert warnings.getvalue() == ""
    return app


@pytest.fixture(scope="module")
def entries(reference):
    return reference.env.domains.python_domain.objects


@pytest.fixture(scope="module")
def documented(entries):
    """The classes and functions that have an entry, as often as they have one."""
    names = [name for name, entry in entries.items() if entry.objtype in ("class", "exception", "function") and not entry.aliased]
    return Counter(getattr(importlib.import_module(module), name) for module, _, name in (each.rpartition(".") for each in names))


@pytest.fixture(scope="module")
def pages(reference):
    return {name: reference.env.get_and_resolve_doctree(name, reference.builder) for name in reference.env.found_docs if name.startswith("api/")}


@pytest.fixture(scope="module")
def signatures(pages):
    """How each class, function and method is written, by its full name."""
    found = [node for page in pages.values() for node in page.findall(addnodes.desc_signature)]
    return {node["ids"][0]: " ".join(node.astext().split()) for node in found}


def test_all_that_a_notebook_a_lab_or_a_document_imports_has_an_entry(documented):
    files = [*(ROOT / "course" / "notebooks").glob("*.py"), *(ROOT / "course" / "labs").glob("*.py"), *(ROOT / "docs").rglob("*.md")]
    missing, found = set(), 0
    for module, names in (each for path in files for each in IMPORT.findall(re.sub(r"^# ?", "", path.read_text(encoding="utf-8")))):
        for name in () if WITHOUT_ENTRY.match(module) else re.findall(r"(\w+)(?:,|\)|\s|$)(?!as\b)", re.sub(r" as \w+", "", names)):
            item = getattr(importlib.import_module(module), name, None)
            if callable(item) and item not in documented:
                missing.add(f"{module}.{name}")
            found += 1
    assert missing == set() and found > 50


@pytest.mark.parametrize(("name", "signature"), [
    ("ninelives.widgets.AttentionExplorer", "AttentionExplorer(attentions, tokens: Sequence[str] | None = None, "),
    ("ninelives.widgets.AttentionExplorer.of", "classmethod of(model, /, *inputs, tokens: Sequence[str], "),
    ("ninelives.widgets.TranslationLab.save_html", "save_html(path: str | Path) -> None"),
    ("ninelives.training.Run.from_json", "classmethod from_json(text: str) -> "),
    ("ninelives.text.Tokenizer.from_json", "static from_json(text: str) -> "),
    ("ninelives.training.train", "step: Callable = training_step, "),
    ("ninelives.model.without_heads", "-> AbstractContextManager[None]"),
])
def test_an_entry_says_how_it_is_called(signatures, name, signature):
    assert signature in signatures[name]


def test_no_signature_shows_what_only_python_writes(signatures):
    assert {name: text for name, text in signatures.items() if re.search(r"~|<factory>| at 0x|torch\._C", text)} == {}


def test_a_class_or_a_function_has_one_entry(documented):
    assert [item for item, times in documented.items() if times > 1] == [] and len(documented) > 100


def test_methods_of_libraries_are_left_out(entries):
    assert not {"ninelives.widgets.HeadLab.observe", "ninelives.model.Encoder.state_dict", "ninelives.training.Diverged.add_note"} & entries.keys()


def test_a_name_that_has_an_entry_leads_to_it(reference):
    page = reference.env.get_and_resolve_doctree("page", reference.builder)
    assert [link.astext() for link in page.findall(nodes.reference) if link.get("reftitle")] == [
        "AttentionExplorer.of", "figures.heatmap(weights, words)", "ninelives.widgets.HeadLab", "generate(model, idx)",
    ]


@pytest.mark.parametrize(("module", "name", "file", "line"), [
    ("ninelives.model", "Decoder", "model/decoder.py", "class Decoder("),
    ("ninelives.widgets", "AttentionExplorer.row", "widgets/attention_explorer/outputs.py", "    def row("),
    ("ninelives.config", "TransformerConfig.head_size", "config.py", "    @property"),
])
def test_an_entry_leads_to_its_source(module, name, file, line):
    address = source_of("py", {"module": module, "fullname": name})
    assert address.startswith(f"{SOURCE}course/ninelives/{file}#L")
    number = int(address.rpartition("#L")[2])
    assert (ROOT / "course" / "ninelives" / file).read_text(encoding="utf-8").splitlines()[number - 1].startswith(line)


def test_the_examples_of_the_docstrings_run(pages):
    blocks = [block.astext() for page in pages.values() for block in page.findall(nodes.literal_block)]
    examples = [block for block in blocks if block.startswith(("import ", "from "))]
    for example in examples:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(example, example.splitlines()[-1], "exec"), {})
    assert len(examples) > 12
