"""A page with a network and no lab: its scripts can call `translation(network, text)` and `toBase64(bytes)`."""

import os
from pathlib import Path

from ninelives.widgets.inline import inlined
from ninelives.widgets.lab_widget import HERE
from ninelives.widgets.page_network import as_script

IMPORTS = {"network/translate": "translation", "network/unpack": "networkOf", "js/numbers": "toBase64"}


def put_network_page(folder: Path, network: dict) -> Path:
    """Write the page into a folder."""
    widgets = os.path.relpath(HERE, folder)
    module, page = folder / "page.js", folder / "page.html"
    module.write_text("".join(f'import {{ {name} }} from "{widgets}/{path}.js";\n' for path, name in IMPORTS.items()), "utf-8")
    page.write_text(
        f"<!doctype html><script>{as_script('one', network)}{inlined(module)}\nconst network = networkOf(nineLivesNetworks.one);</script>", "utf-8")
    return page
