"""What the documents tell a reader to type or to open exists: commands, their options, settings, files and links."""

import argparse
import importlib
import importlib.util
import re
import shlex
import subprocess
import textwrap
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import yaml
from jupyter_server.serverapp import aliases
from nbgrader.apps.nbgraderapp import NbGraderApp
from packaging.requirements import Requirement
from traitlets.config import Configurable

from ninelives.build import ROOT
from test_environment import PROJECT, constraints

SPEC = importlib.util.spec_from_file_location("address", ROOT / "docs" / "address.py")
address = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(address)
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("bench/*.md")])
BLOCK = re.compile(r"(?:(?<=\n\n)|\A)(?:    .*\n|\n)+")  # indented by four spaces
MAKEFILE = (ROOT / "Makefile").read_text()
pytestmark = pytest.mark.skipif("sys.platform != 'linux'", reason="ninelives-grade, whose options are checked, needs Linux")
# How lines of Python begin in the documents.
FOR_PYTHON = re.compile(r"from |import |c = |c\.|# |### |def |check\.|@|[\w., ]+ = |\w+\(|…")


def blocks(document: Path) -> list[list[str]]:
    """The lines of each indented block, without their indent."""
    found = (textwrap.dedent(block).strip("\n").splitlines() for block in BLOCK.findall(text_of(document)))
    return [[line for line in block if line] for block in found if block]


def inline(document: Path) -> list[str]:
    """The texts between backquotes."""
    return re.findall(r"`([^`\n]+)`", BLOCK.sub("\n", text_of(document)))


def text_of(document: Path) -> str:
    return document.read_text(encoding="utf-8") + "\n"


def commands(document: Path) -> Iterator[list[str]]:
    """Each command as a list of words, without comments and variables of the shell."""
    typed = [line for block in blocks(document) for line in block]
    for line in [*typed, *inline(document)]:
        for command in re.sub(r"(^|  +)#.*", "", line).split("&&"):
            first = re.split(r"[ \\]", command.strip())[0]
            if Path(first).name in PROGRAMS and not first.endswith("/"):
                yield shlex.split(command.replace("\\", "/"))
            elif match := re.match(r"[A-Z_]+=\S+ (.*)", command.strip()):
                yield shlex.split(match[1])


class Parsed(Exception):
    """A command has read its arguments and would now begin; `left` are those that it hands to another program."""

    def __init__(self, left: list[str]) -> None:
        self.left = left


def parse(main: Callable, arguments: list[str]) -> list[str]:
    """Lets one of our commands parse `arguments`, and goes no further; what it leaves to another program."""
    parse_known = argparse.ArgumentParser.parse_known_args

    def parse_some(self, args=None, namespace=None):
        raise Parsed(parse_known(self, args, namespace)[1])

    def parse_all(self, args=None, namespace=None):
        _, left = parse_known(self, args, namespace)
        assert not left, f"unknown: {left}"
        raise Parsed([])

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sys.argv", [main.__module__, *arguments])
        patched.setattr(argparse.ArgumentParser, "parse_known_args", parse_some)
        patched.setattr(argparse.ArgumentParser, "parse_args", parse_all)
        try:
            main()
        except Parsed as parsed:
            return parsed.left
        except SystemExit as end:
            assert end.code == 0, f"{main.__module__} refuses {arguments}"  # 0: --help
            return []
    raise AssertionError(f"{main.__module__} parses no arguments")


def is_assignment(name: str) -> bool:
    return name == "ps1" or (ROOT / "solutions" / name).is_dir()  # ps1 is one of another course


def has_trait(section: str, trait: str) -> bool:
    waiting = [Configurable]
    while waiting:
        current = waiting.pop()
        if current.__name__ == section and trait in current.class_trait_names():
            return True
        waiting += current.__subclasses__()
    return False


def grade(*arguments: str) -> None:
    [command] = entry_points(group="console_scripts", name="ninelives-grade")
    if arguments and not arguments[0].startswith("-"):
        assert is_assignment(arguments[0])
    if arguments:
        assert parse(command.load(), list(arguments)) == []


def make(*words: str) -> None:
    given = dict(word.split("=", 1) for word in words if "=" in word)
    for word in words:
        name = word.partition("=")[0]
        assert re.search(rf"\$\({name}\)" if name in given else rf"^{name}:", MAKEFILE, re.MULTILINE), word
    if "A" in given:
        grade(given["A"], *shlex.split(given.get("ARGS", "")))


def nbgrader(name: str, *words: str) -> None:
    if name == "db":
        group, verb, *words = words
        application = NbGraderApp.subcommands[name][0].subcommands[group][0].subcommands[verb][0]()
        options = {word.lstrip("-").partition("=")[0] for word in words if word.startswith("-")}
        assert options <= {*application.flags, *application.aliases}
        return
    application = NbGraderApp.subcommands[name][0]()
    while words and words[0] in application.subcommands:  # as in nbgrader db student import
        application, words = application.subcommands[words[0]][0](), words[1:]
    value_follows = False
    for word in words:
        option, _, value = word.lstrip("-").partition("=")
        if word.startswith("-"):
            section, _, trait = option.rpartition(".")
            assert has_trait(section, trait) if section else option in {*application.flags, *application.aliases}, word
            value_follows = option in application.aliases and not value
        else:
            assert value_follows or is_assignment(word) or word == "students.csv" or any(ROOT.glob(word)), word
            value_follows = False


def pip(verb: str, *words: str) -> None:
    assert verb in ("install", "wheel")
    for before, word in zip(("", *words), words):
        if before == "-c":
            assert (ROOT / word).is_file()
        elif not word.startswith("-") and before != "-w":
            requirement = Requirement(re.sub(rf"^(\.|(dist/)?ninelives-{re.escape(PROJECT['version'])}-py3-none-any\.whl)(?=\[|$)", PROJECT["name"], word))
            if requirement.name == PROJECT["name"]:
                assert requirement.extras <= PROJECT["optional-dependencies"].keys(), word
            else:
                assert requirement.name in {line.name for line in constraints()}, f"{word} is not a package that we test with"


def pytest_(*words: str) -> None:
    assert [word for word in words if "/" in word and not (ROOT / word.partition("::")[0]).exists()] == []


def python(*words: str) -> None:
    if not words:
        return
    if words[0] != "-m":
        script = ROOT / words[0]
        assert script.is_file(), script
        for option in words[1:]:
            assert not option.startswith("-") or f'"{option}"' in script.read_text(encoding="utf-8"), option
        return
    module, *arguments = words[1:]
    if module == "pip":
        pip(*arguments)
    elif module == "pytest":
        pytest_(*arguments)
    elif module != "venv":
        found = importlib.import_module(module)
        if not arguments and "ArgumentParser" not in Path(found.__file__).read_text(encoding="utf-8"):
            assert callable(found.main)  # which would begin at once
            return
        for left in parse(found.main, arguments):
            assert left.lstrip("-").partition("=")[0] in aliases, f"JupyterLab does not know {left}"


def conda(*words: str) -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert words in (("env", "create", "-f", "environment.yml"), ("activate", environment["name"]))


def cp(*words: str) -> None:
    ours = [ROOT / word.removeprefix("../nine-lives/") for word in words if word.startswith("../nine-lives/")]
    assert [path for path in ours if not path.exists()] == []


def dask(program: str, *words: str) -> None:
    command = importlib.import_module(f"distributed.cli.dask_{program}").main
    command.make_context(program, list(words))


def ninelives(*words: str) -> None:
    module, name = PROJECT["scripts"]["ninelives"].split(":")
    assert parse(getattr(importlib.import_module(module), name), list(words)) == []


def others(*words: str) -> None:
    """A program of the system."""


PROGRAMS = {
    "ninelives-grade": grade, "make": make, "nbgrader": nbgrader, "pip": pip, "pytest": pytest_,
    "python": python, "python3": python, "py": python, "conda": conda, "cp": cp, "dask": dask, "ninelives": ninelives,
} | dict.fromkeys(("apt", "activate", ".", "cd", "chmod", "createdb", "git", "jupyter", "mkdir", "npm", "sudo", ".venv"), others)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_command_and_its_options_exist(document):
    for program, *words in commands(document):
        try:
            PROGRAMS[Path(program).name](*words)
        except Exception as problem:
            raise AssertionError(f"{document.name} says: {shlex.join([program, *words])}") from problem


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_option_that_is_named_alone_belongs_to_a_command(document, capsys):
    grade("--help")
    known = {*re.findall(r"--[a-z-]+", capsys.readouterr().out), *(
        f"--{name}" for application, _ in NbGraderApp.subcommands.values() for name in [*application().flags, *application().aliases])}
    named = [word for code in inline(document) if code.startswith("--") for word in code.split() if word.startswith("--")]
    assert [word for word in named if word not in known and not has_trait(*word.lstrip("-").partition("=")[0].split("."))] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_line_of_a_block_is_a_command_a_path_or_python(document):
    """Or nothing would test it."""
    unknown = []
    for block in blocks(document):
        for line in block:
            first = re.split(r"  |, ", line)[0]
            program = Path(re.split(r"[ \\]", re.sub(r"^[A-Z_]+=\S+ ", "", line))[0]).name
            if not (program in PROGRAMS or first and (ROOT / first).exists() or any(FOR_PYTHON.match(line) for line in block)):
                unknown.append(line)
    assert unknown == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_setting_exists(document):
    importlib.import_module("ninelives.grading.cli")  # which defines the engine's
    lines = [*inline(document), *(line for block in blocks(document) for line in block)]
    settings = [re.fullmatch(r"(?:# .*:  )?c\.(\w+)\.(\w+) = .*", line) for line in lines]
    # c.Spawner is JupyterHub's, which is not installed for the tests.
    assert [found[0] for found in settings if found and found[1] != "Spawner" and not has_trait(found[1], found[2])] == []


def test_the_defaults_of_the_limits_are_those_of_the_page_for_teachers():
    importlib.import_module("ninelives.grading.cli")
    page = text_of(ROOT / "docs" / "teaching" / "grading.md").partition("with their defaults:")[2]
    limits = re.findall(r"c\.Sandbox\.(\w+) = (\d+)", BLOCK.search(page)[0])
    sandbox = next(found for found in Configurable.__subclasses__() if found.__name__ == "Sandbox")
    assert len(limits) > 3
    assert {name: int(value) for name, value in limits} == {name: getattr(sandbox(), name) for name, _ in limits}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_link_leads_to_a_file_and_a_heading(document):
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", text_of(document)):
        path, _, heading = target.partition("#")
        found = document.parent / path if path else document
        assert found.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.*)", text_of(found), re.MULTILINE)
            assert heading in [re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in headings], target


def test_every_address_of_the_course_is_derived_from_the_one_in_pyproject():
    derived = address.addresses(PROJECT["urls"]["Repository"].removeprefix("https://github.com/"))
    said = {name: re.findall(r"https://[^\s)}\"]*nine-lives[^\s)}\"]*", text_of(ROOT / name)) for name in ("README.md", "CITATION.cff")}
    assert all(said.values())
    assert [url for urls in said.values() for url in urls if not url.startswith(tuple(derived.values()))] == []
    # The branch gh-pages has the site, in which the notebooks are pages and have run.
    found = re.findall(r"(?:lab/tree/(\S+?)|(?:blob/gh-pages|nine-lives)/((?:notebooks|labs)/[\w-]+)\.\w+)\)", text_of(ROOT / "README.md"))
    names = {path.parent.name.replace(path.stem, "notebooks") + f"/{path.stem}" for path in (ROOT / "release").glob("*/*.ipynb")}
    assert {name for _, name in found if name} == names
    assert [path for path, _ in found if path and not (ROOT / path).is_file()] == []
    pictures = re.findall(r'(?:src|srcset)="([^"]+)"', text_of(ROOT / "README.md"))
    assert [path for path in pictures if not (ROOT / path).is_file()] == []


def test_moving_the_course_changes_its_address_everywhere(tmp_path, monkeypatch):
    files = ("README.md", "CITATION.cff", "pyproject.toml")
    for name in files:
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run("git init -q && git add .", shell=True, cwd=tmp_path, check=True)
    monkeypatch.setattr(address, "ROOT", tmp_path)
    monkeypatch.setattr("sys.argv", ["address.py", "Ada/cats.of-9"])
    address.main()
    texts = [(tmp_path / name).read_text(encoding="utf-8") for name in files]
    assert ["ninelives-course" in text for text in texts] == [False] * 3
    assert "https://ada.github.io/cats.of-9/" in texts[0] and 'Repository = "https://github.com/Ada/cats.of-9"' in texts[2]


FILE = re.compile(r"(?!text/|image/)(?=.*/|.*\.(?:py|md|txt|toml|yml|cff|ipynb|json|db|csv)$)[\w.*-]+(?:/[\w.*-]+)*/?")
MADE = {line.strip("/*") for line in (ROOT / ".gitignore").read_text().split()} | {"my-class", "grades.csv", "students.csv", "jupyterhub_config.py", "dist", "release", "timestamp.txt", "worksheet.filled.csv", "worksheet.csv", "gradebook.csv"}
INSIDE = ("", "course", "course/ninelives", "tests", "bench")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_file_that_is_named_exists(document):
    missing = []
    for name in filter(FILE.fullmatch, inline(document)):
        pattern = re.sub(r"NN", "[0-9][0-9]", re.sub(r"(?<=[-_])name\b|\bNAME\b", "*", name)).rstrip("/")
        first = name.partition("/")[0]
        made = first in MADE or first.removesuffix(".ipynb") in {path.name for path in (ROOT / "solutions").iterdir()}
        if not made and not any(any((ROOT / folder).glob(pattern)) for folder in INSIDE):
            missing.append(name)
    assert missing == []


def test_the_check_that_fails_for_instructors_to_see_says_just_that():
    [block] = [block for block in blocks(ROOT / "docs" / "teaching.md") if block[0].startswith("def split_heads")]
    with pytest.raises(AssertionError) as failed:
        exec("import ninelives.checks.attention as check\n" + "\n".join(block), {})
    assert str(failed.value).split() == " ".join(line.removeprefix("# ") for line in block if line.startswith("# ")).split()
