"""JupyterLab in a real browser: a server of its own on loopback, driven through Playwright."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect, sync_playwright

import ninelives
from helpers import forked_lab
from helpers.loopback import address_and_token, end

# A busy machine may take its time; on an idle one nothing waits longer for this.
expect.set_options(timeout=20_000)

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
USUAL_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
)
FLAGS = [
    "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync",
    "--disable-component-update",
    # What should never be asked for cannot be reached either.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
if hasattr(os, "geteuid") and os.geteuid() == 0:
    FLAGS.append("--no-sandbox")  # Chromium's own sandbox refuses to start as root
LOOPBACK = ("http://127.0.0.1:", "ws://127.0.0.1:", "about:", "data:", "blob:", "file:")


def find_chromium() -> str:
    """The path of Chromium or Chrome; where there is none the test fails and says what to do."""
    wanted = os.environ.get("CHROME")
    for place in (wanted,) if wanted else (*NAMES, *USUAL_PLACES):
        if found := shutil.which(place):
            return found
    if wanted:
        missing = (
            f"CHROME names {wanted}, which is no program: set it to the path of Chromium or "
            "Chrome, or unset it."
        )
    else:
        missing = (
            "The browser tests need Chromium or Chrome and found neither: install one "
            "(Debian and Ubuntu: apt install chromium), or set CHROME to its path."
        )
    pytest.fail(missing, pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call):
    # A fixture that fails on purpose (no browser) is a failed test, not an error of set-up.
    report = yield
    if call.when == "setup" and call.excinfo and call.excinfo.errisinstance(pytest.fail.Exception):
        report.when = "call"
    return report


class Lab:
    """A JupyterLab server on loopback with its own settings, on the notebooks in `root`.

    Its kernels are forked; those of test_start_page.py are started as learners start theirs.
    """

    def __init__(self, root: Path, scratch: Path):
        self.root, self.token = root, secrets.token_hex(16)
        self.log = scratch / "lab.log"
        self._write_settings(scratch / "settings")
        folders = {
            "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "IPYTHONDIR": "ipython",
            "JUPYTER_RUNTIME_DIR": "runtime", "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        }
        environment = os.environ | {name: str(scratch / path) for name, path in folders.items()}
        environment |= {
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(Path(ninelives.__file__).parents[1]),
        }
        command = [
            sys.executable, forked_lab.__file__, "--no-browser", "--allow-root", "--ip=127.0.0.1",
            "--port=0", f"--ServerApp.root_dir={root}",
            f"--IdentityProvider.token={self.token}", "--LabApp.expose_app_in_browser=True",
            "--LabApp.news_url=None", "--LabApp.extension_manager=readonly",
        ]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            self.url, _ = address_and_token(self.process, self.log)
            self._wait()
        except RuntimeError:
            self.close()
            raise

    def close(self) -> None:
        end(self.process)

    def _write_settings(self, folder: Path) -> None:
        for plugin, settings in {
            "notification": {"fetchNews": "false", "checkForUpdates": False},
            "themes": {"theme": "JupyterLab Light"},
        }.items():
            path = folder / "@jupyterlab" / "apputils-extension" / f"{plugin}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(settings))

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.url}/api/status?token={self.token}", timeout=2)
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"JupyterLab printed its address and does not answer:\n{self.log.read_text()[-2000:]}")


class Notebook:
    """A notebook open in JupyterLab. `page` is Playwright's page, for everything else."""

    def __init__(self, page, lab: Lab, name: str, load: bool = True):
        """Open it in JupyterLab as it is there already, or load JupyterLab first, with nothing of what was open before."""
        self.page, self.lab, self.name = page, lab, name
        if load or not page.url.startswith(f"{lab.url}/lab"):
            page.goto(f"{lab.url}/lab/tree/{name}?token={lab.token}&reset")
            page.wait_for_function("() => window.jupyterapp?.restored")
            page.evaluate("() => window.jupyterapp.restored")
        else:
            page.evaluate(
                """async path => {
                const { shell, commands } = window.jupyterapp;
                for (const widget of [...shell.widgets('main')]) widget.dispose();
                await commands.execute('docmanager:open', { path }) }""",
                name,
            )
        page.wait_for_function(
            """name => { const notebook = window.jupyterapp.shell.currentWidget;
            return notebook?.context?.path === name && notebook.context.isReady
              && notebook.sessionContext?.session?.kernel?.status === 'idle' }""",
            arg=name,
        )

    def run_all(self, timeout: float = 120) -> None:
        """Run every cell, up to the first that raises; at most `timeout` seconds."""
        self.page.evaluate(
            """async seconds => {
            const late = new Promise((_, fail) => setTimeout(fail, 1000 * seconds, 'too slow'));
            const run = window.jupyterapp.commands.execute('notebook:run-all-cells');
            await Promise.race([run, late]) }""",
            timeout,
        )
        self.page.wait_for_function(
            """() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel
            .status === 'idle'"""
        )

    def run(self, code: str) -> str:
        """Run code in the notebook's kernel, outside its cells, and give what it printed.

        First wait until the kernel has got the changes of all widgets: a widget delays the last of several quick changes.
        """
        self.page.wait_for_function(
            """() => [...window.jupyterapp.shell.currentWidget.sessionContext.session.kernel._futures.values()]
            .every(({ msg }) => msg.header.msg_type !== 'comm_msg')"""
        )
        return self.page.evaluate(
            """async code => {
            const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
            const future = kernel.requestExecute({ code, store_history: false });
            let printed = '', failed = '';
            future.onIOPub = ({ header, content }) => {
              if (header.msg_type === 'stream') printed += content.text;
              if (header.msg_type === 'error') failed = content.ename + ': ' + content.evalue;
            };
            await future.done;
            if (failed) throw new Error(failed);
            return printed.trim() }""",
            code,
        )

    def arrives(self, expression: str, wanted: str) -> None:
        """Wait until an expression has this value in the kernel."""
        deadline = time.monotonic() + 20
        while (seen := self.run(f"print({expression})")) != wanted and time.monotonic() < deadline:
            time.sleep(0.05)
        assert seen == wanted

    def outputs(self) -> list[list[dict]]:
        """The outputs of each code cell, as nbformat stores them."""
        return self.page.evaluate(
            """() => window.jupyterapp.shell.currentWidget.content.widgets
            .filter(cell => cell.model.type === 'code').map(cell => cell.model.outputs.toJSON())"""
        )

    def errors(self) -> list[dict]:
        return [o for cell in self.outputs() for o in cell if o["output_type"] == "error"]

    def cell(self, index: int):
        """The cell as a locator, scrolled into view: JupyterLab draws cells when they are seen."""
        self.page.evaluate(
            """index => { const notebook = window.jupyterapp.shell.currentWidget.content;
            notebook.activeCellIndex = index; return notebook.scrollToItem(index, 'start') }""",
            index,
        )
        return self.page.locator(f".jp-Notebook .jp-Cell[data-windowed-list-index='{index}']")

    def start_cell(self, index: int):
        """Start a cell, as Shift+Enter does, and do not wait for its end; returns it."""
        cell = self.cell(index)
        self.page.evaluate("() => { window.running = window.jupyterapp.commands.execute('notebook:run-cell') }")
        return cell

    def wait_for_cell(self) -> None:
        """Until the cell that was started last is over."""
        self.page.evaluate("() => window.running")

    def run_cell(self, index: int):
        """Run a cell to its end; returns it."""
        cell = self.start_cell(index)
        self.wait_for_cell()
        return cell

    def save(self) -> None:
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.save()")

    def shut_down(self) -> None:
        """Shut the kernel down."""
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")


@pytest.fixture(scope="session")
def browser():
    chromium = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def lab(browser, tmp_path_factory):
    # After the browser: without one there is nothing to start a server for.
    lab = Lab(tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("jupyter"))
    yield lab
    lab.close()


@pytest.fixture(scope="session")
def profile(browser):
    """A browser profile: what it has loaded of JupyterLab once it need not load and compile again."""
    profile = browser.new_context(viewport={"width": 1400, "height": 1000}, accept_downloads=True)
    profile.set_default_timeout(60_000)
    yield profile
    profile.close()


@pytest.fixture(scope="session")
def page_of_all(profile):
    """One page for all files, since each load of JupyterLab takes three seconds of a core."""
    page = profile.new_page()
    page.on("websocket", lambda socket: page.asked.append(socket.url))
    page.on("pageerror", lambda error: page.problems.append(error.stack or str(error)))
    page.on(
        "console",
        lambda message: message.type == "error" and page.problems.append(message.text),
    )
    yield page
    page.close()


@pytest.fixture(scope="module")
def page(profile, page_of_all):
    """A page. `page.asked` records every address it asks for, `page.problems` every error in the console."""
    page = page_of_all
    page.asked, page.problems = [], []

    def asks(request):
        page.asked.append(request.url)

    profile.on("request", asks)
    yield page
    profile.remove_listener("request", asks)
    foreign = [address for address in page.asked if not address.startswith(LOOPBACK)]
    assert not foreign, f"asked for something outside this machine: {foreign[:5]}"
    # Modules of widgets are loaded from blob addresses; JupyterLab has errors of its own.
    assert [problem for problem in page.problems if "blob:" in problem] == []


@pytest.fixture
def open_alone(browser):
    """Open a page that a widget has saved, offline: it may ask for nothing but itself, and has nothing to complain of."""
    context = browser.new_context(offline=True)
    page = context.new_page()
    opened, asked, problems = [], [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))

    def open_(path: Path):
        opened.append(path.as_uri())
        page.goto(path.as_uri())
        return page

    yield open_
    context.close()
    assert asked == opened
    assert problems == []


@pytest.fixture(scope="module")
def open_notebook(lab, page):
    """Open a notebook made of the given cells (source text of each), or one that is there. To open one again loads JupyterLab again."""
    opened = set()

    def open_(name: str, cells: list[str] | None = None) -> Notebook:
        if cells is not None:
            code = [nbformat.v4.new_code_cell(source) for source in cells]
            # Without a kernel named here JupyterLab would ask for one.
            kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
            nbformat.write(nbformat.v4.new_notebook(cells=code, metadata=kernel), lab.root / name)
        load = name in opened
        opened.add(name)
        return Notebook(page, lab, name, load)

    return open_
