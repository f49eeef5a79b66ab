"""Pages that need no web: the report on a class, and the answers that are alike."""

import base64
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from ninelives.grading.alike import MIN_TOKENS, Compared, beside, max_common
from ninelives.grading.class_results import Learner
from ninelives.grading.folders import printable
from ninelives.grading.report import MIN_LEARNERS, ClassReport

TEMPLATES = Path(__file__).parent / "templates" / "report"


def page(template: str, **values) -> str:
    """A page from a template of ours. Every value is escaped."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"printable": lambda text: printable(str(text)), "with_code": _with_code}
    script = (TEMPLATES / "copy.js.j2").read_text(encoding="utf-8")
    # A browser runs this script and no other, whatever learners have written.
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template(template).render(script=script, digest=digest, **values)


def report_page(report: ClassReport, folder: Path, names: bool) -> str:
    """The report as a page in `folder`, from which its links lead to the graded notebooks."""
    numbers = {(exercise.notebook, exercise.name): number for number, exercise in enumerate(report.exercises)}
    return page("report.html.j2", report=report, names=names, link=link_from(folder), address=_address,
                exercise_id=lambda exercise: f"exercise-{numbers[exercise.notebook, exercise.name]}",
                min_learners=MIN_LEARNERS)


def alike_page(
    assignment: str, learners: int, exercises: list[Compared], identical: list[tuple[Learner, ...]], folder: Path
) -> str:
    """The answers that are alike, side by side, and whose are identical, as a page in `folder`."""
    return page("alike.html.j2", assignment=assignment, exercises=exercises, identical=identical, link=link_from(folder), beside=beside,
                common=max_common(learners), min_tokens=MIN_TOKENS,
                lines=lambda side: side.text.expandtabs(4).split("\n"))


def _with_code(text: str) -> Markup:
    """The text, escaped, with what is between backticks as code."""
    parts = [escape(part) for part in printable(text).split("`")]
    if len(parts) % 2 == 0:  # one of them has no partner
        return escape(printable(text))
    return Markup("").join(Markup("<code>{}</code>").format(part) if number % 2 else part
                           for number, part in enumerate(parts))


def link_from(folder: Path) -> Callable[[Path], str]:
    """Makes a path the address of a link in a page in this folder."""
    def link(path: Path) -> str:
        return quote(os.path.relpath(path, folder), errors="surrogateescape")

    return link


def _address(learner: Learner) -> str:
    """As a mail program takes it: Ada Lovelace <ada@example.org>, or the name if there is no e-mail address."""
    name = printable(learner.name)
    if not learner.email:
        return name
    quoted = '"' + name.replace("\\", "").replace('"', "") + '"' if set(name) & set('",;:<>@()[]\\') else name
    return f"{quoted} <{printable(learner.email)}>"
