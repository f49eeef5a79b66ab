"""What Sphinx's autodoc is told about the package, and links: a name in the text that has an entry leads to it."""

import inspect
import re
import sys

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.inspect import stringify_signature
from sphinx.util.nodes import make_refnode

from ninelives.site.address import REPOSITORY

SOURCE = f"{REPOSITORY}/blob/main/"
NAME = re.compile(r"(?:ninelives\.)?([A-Za-z_][\w.]*)(\(.*\))?", re.DOTALL)


def signature_of(app: Sphinx, what: str, name: str, item: object, options, signature: str, returned: str) -> tuple[str, str] | None:
    """Classes as they are called, and not as their metaclass is; functions of a `with` as what they give."""
    if what == "class" and item.__module__.startswith("ninelives."):
        written = stringify_signature(inspect.signature(item), show_return_annotation=False, unqualified_typehints=True)
        return written.replace("<factory>", "..."), ""
    if inspect.isgeneratorfunction(inspect.unwrap(item)) and not inspect.isgeneratorfunction(item):
        return signature, returned.replace("Iterator", "AbstractContextManager")
    return None


def leave_out_fields(app: Sphinx, what: str, name: str, item: object, skip: bool, options) -> bool | None:
    """A field of a named tuple is described with its class; Python's own words for it are "Alias for field number 0"."""
    return True if (getattr(item, "__doc__", None) or "").startswith("Alias for field number") else None


def source_of(domain: str, entry: dict[str, str]) -> str | None:
    """Where the repository has the code of an entry."""
    item = sys.modules[entry["module"]]
    for name in entry["fullname"].split("."):
        item = getattr(item, name, None)  # None: an attribute of objects, not of the class
    item = inspect.unwrap(item.fget if isinstance(item, property) else item)
    try:
        line = inspect.getsourcelines(item)[1]
    except TypeError:  # an attribute has no lines of its own
        return None
    return f"{SOURCE}course/{inspect.getmodule(item).__spec__.origin.partition('/course/')[2]}#L{line}"


SETTINGS = {
    "autodoc_member_order": "bysource", "autodoc_preserve_defaults": True, "autodoc_typehints_format": "short",
    "autodoc_inherit_docstrings": False, "python_use_unqualified_type_names": True, "maximum_signature_line_length": 120,
    # Methods of the package's own base classes are shown, those of the libraries' are not.
    "autodoc_default_options": {"inherited-members": "AnyWidget, DOMWidget, Widget, HasTraits, HasDescriptors, Module, BaseException, OSError, tuple"},
    "linkcode_resolve": source_of, "napoleon_use_rtype": False, "default_role": "literal", "html_domain_indices": False,
}


class Entries(SphinxPostTransform):
    """`Encoder`, `figures.heatmap` and `generate(model, …)` lead to their entries.

    A single lower-case word does not: `mask` is more often an argument than the function of that name. Nor does a name that
    several entries have: `save("a.pdf")` may call a method of any class.
    """

    default_priority = 200

    def run(self) -> None:
        domain = self.env.domains.python_domain
        linked = [*self.document.findall(lambda node: isinstance(node, nodes.title | nodes.reference))]
        linked_names = {id(name) for node in linked for name in node.findall(nodes.literal)}
        for node in [*self.document.findall(nodes.literal)]:
            if id(node) not in linked_names and (full := self.entry(node.astext(), domain.objects)):
                entry = domain.objects[full]
                node.replace_self(make_refnode(self.app.builder, self.env.docname, entry.docname, entry.node_id, node.deepcopy(), full))

    def entry(self, text: str, objects: dict) -> str | None:
        found = NAME.fullmatch(text)
        if not found or not (found[2] or re.search(r"[A-Z_.]", found[1])):
            return None
        kinds = {"class", "exception", "function"} | ({"method"} if found[2] else set())
        ends = [full for full, entry in objects.items() if f".{full}".endswith(f".{found[1]}") and not entry.aliased
                and ("." in found[1] or entry.objtype in kinds)]
        here = [full for full in ends if objects[full].docname == self.env.docname]
        return ends[0] if len(ends) == 1 else here[0] if len(here) == 1 else None


def setup(app: Sphinx) -> dict:
    for extension in ("sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.linkcode"):
        app.setup_extension(extension)
    app.connect("autodoc-process-signature", signature_of)
    app.connect("autodoc-skip-member", leave_out_fields)
    app.add_post_transform(Entries)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
