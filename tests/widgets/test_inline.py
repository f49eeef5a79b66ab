import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ninelives import widgets
from ninelives.widgets.inline import inlined, modules
from ninelives.widgets.lab_widget import browser_code

HERE = Path(widgets.__file__).parent
LABS = sorted(path.parent.name for path in HERE.glob("*/index.js"))
DECLARED = re.compile(r"^(?:export )?(?:async )?(?:function\*?|const|let|var|class) (.*)", re.MULTILINE)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "two.js").write_text("export const two = 2;\n")
    (tmp_path / "three.js").write_text('import { two } from "./shared/two.js";\nexport function three() { return two + 1; }\n')
    (tmp_path / "index.js").write_text(
        'import {\n  three,\n} from "./three.js";\nimport { two } from "./shared/two.js";\nexport default { six: two * three() };\n'
    )
    return tmp_path


def test_a_module_comes_after_all_that_it_imports_and_once(folder):
    assert inlined(folder / "index.js") == (
        "const two = 2;\n\nfunction three() { return two + 1; }\n\nexport default { six: two * three() };\n"
    )


def test_an_import_that_is_not_there_is_an_error(folder):
    (folder / "shared" / "two.js").unlink()
    with pytest.raises(FileNotFoundError):
        inlined(folder / "index.js")


@pytest.mark.parametrize("lab", LABS)
def test_the_code_of_a_lab_imports_nothing_and_exports_its_render_function(lab):
    code = browser_code(lab)
    assert not re.search(r"^\s*import\b", code, re.MULTILINE)
    assert re.findall(r"^export.*", code, re.MULTILINE) == ["export default { render };"]


@pytest.mark.parametrize("lab", LABS)
def test_no_name_is_declared_by_two_modules_of_a_lab(lab):
    owners: dict[str, Path] = {}
    for module in [*modules(HERE / lab / "index.js"), HERE / "js" / "mount.js"]:
        for declaration in DECLARED.findall(module.read_text("utf-8")):
            # `const { a } = …` and `const a = 1, b = 2` would hide names from this test.
            name = re.match(r"(\w+)(\(| \{| = [^,;=]*(?:;.*|=>.*|[(\[{].*)?$| = \()", declaration)
            assert name, f"{module.name}: one name a declaration at the top of a module, not {declaration}"
            assert owners.setdefault(name[1], module) == module, f"{name[1]} is declared by {owners[name[1]]} and {module}"


def test_no_import_renames_what_it_imports():
    for module in HERE.glob("*/*.js"):
        assert not re.search(r"^import [^;]*\bas\b", module.read_text("utf-8"), re.MULTILINE), module


@pytest.mark.parametrize("lab", LABS)
@pytest.mark.skipif(not shutil.which("node"), reason="parsing JavaScript needs Node.js, and there is no node on this machine")
def test_the_code_of_a_lab_is_javascript(lab, tmp_path):
    (tmp_path / "lab.mjs").write_text(browser_code(lab), encoding="utf-8")
    parsed = subprocess.run(["node", "--check", tmp_path / "lab.mjs"], capture_output=True, text=True)
    assert parsed.returncode == 0, parsed.stderr
