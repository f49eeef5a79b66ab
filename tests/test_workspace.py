import json
import shutil
import sys
from pathlib import Path

import pytest
from ipykernel.ipkernel import IPythonKernel

from helpers.loopback import serving
from ninelives import workspace
from ninelives.workspace import copy_missing, lab_arguments, main, with_language

ROOT = Path(__file__).parents[1]
FIRST = Path("01-embeddings", "01-embeddings.ipynb")
SECOND = Path("02-attention", "02-attention.ipynb")


@pytest.fixture
def root(tmp_path):
    for name in (FIRST, SECOND):
        path = tmp_path / "release" / name
        path.parent.mkdir(parents=True)
        path.write_text(f"released {name.stem}")
    return tmp_path


def test_a_copy_names_the_python_of_this_machine_and_a_release_none():
    released = next((ROOT / "release").glob("01*/*.ipynb")).read_bytes()
    copy = with_language(released)
    notebook = json.loads(copy)
    assert notebook["metadata"]["language_info"] == IPythonKernel.language_info
    notebook["metadata"]["language_info"] = {"name": "python"}
    assert notebook == json.loads(released)


def test_a_new_workspace_gets_every_released_file(root):
    copied, kept = copy_missing(root / "release", root / "mine")
    assert (copied, kept) == ([FIRST, SECOND], [])
    assert (root / "mine" / SECOND).read_text() == "released 02-attention"


def test_an_existing_file_is_kept_whatever_it_holds(root):
    copy_missing(root / "release", root / "mine")
    (root / "mine" / FIRST).write_text("my answer")
    before = (root / "mine" / FIRST).stat()
    (root / "mine" / SECOND).unlink()
    assert copy_missing(root / "release", root / "mine") == ([SECOND], [FIRST])
    assert (root / "mine" / FIRST).read_text() == "my answer"
    assert (root / "mine" / FIRST).stat() == before


def test_a_broken_link_is_kept_too(root):
    (root / "mine" / FIRST.parent).mkdir(parents=True)
    (root / "mine" / FIRST).symlink_to(root / "nowhere.ipynb")
    copied, kept = copy_missing(root / "release", root / "mine")
    assert kept == [FIRST]
    assert not (root / "nowhere.ipynb").exists()


def test_an_interrupted_copy_leaves_no_half_notebook_and_is_completed_later(root, monkeypatch):
    def interrupted(source, target):
        Path(target).write_text("rele")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(workspace.shutil, "copyfile", interrupted)
        with pytest.raises(KeyboardInterrupt):
            copy_missing(root / "release", root / "mine")
    assert not (root / "mine" / FIRST).exists()
    copied, kept = copy_missing(root / "release", root / "mine")
    assert (copied, kept) == ([FIRST, SECOND], [])
    assert sorted(path.name for path in (root / "mine").rglob("*") if path.is_file()) == [FIRST.name, SECOND.name]


def test_checkpoints_of_jupyterlab_are_not_copied(root):
    checkpoint = root / "release" / "01-embeddings" / ".ipynb_checkpoints" / "01-embeddings-checkpoint.ipynb"
    checkpoint.parent.mkdir()
    checkpoint.write_text("an old state")
    assert copy_missing(root / "release", root / "mine")[0] == [FIRST, SECOND]


def test_the_command_says_what_it_copied_and_what_it_kept(root, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["workspace", "--copy-only"])
    (root / "my-notebooks" / "01-embeddings").mkdir(parents=True)
    (root / "my-notebooks" / FIRST).write_text("my answer")
    main(root)
    assert capsys.readouterr().out.splitlines() == [
        "copied my-notebooks/02-attention/02-attention.ipynb",
        "kept   my-notebooks/01-embeddings/01-embeddings.ipynb, which is yours",
        "wrote  my-notebooks/start.ipynb, where you are in the course",
    ]


def test_a_learners_own_start_page_is_kept_and_not_opened(root, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["workspace", "--copy-only"])
    (root / "my-notebooks").mkdir()
    (root / "my-notebooks" / "start.ipynb").write_text("# Mine")
    main(root)
    assert capsys.readouterr().out.splitlines()[-1] == "kept   my-notebooks/start.ipynb, which is yours"
    assert (root / "my-notebooks" / "start.ipynb").read_text() == "# Mine"
    assert "--LabApp.default_url=/lab/tree/start.ipynb" in lab_arguments(root, "start.ipynb")
    assert not any("default_url" in argument for argument in lab_arguments(root))


def test_without_a_release_folder_the_command_says_so_in_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["workspace", "--copy-only"])
    with pytest.raises(SystemExit, match="There are no released notebooks in .*; run this from a clone"):
        main(tmp_path)


def test_a_file_where_the_workspace_should_be_is_a_one_line_error(root, monkeypatch):
    monkeypatch.setattr("sys.argv", ["workspace", "--copy-only"])
    (root / "my-notebooks").write_text("not a folder")
    with pytest.raises(SystemExit, match="my-notebooks"):
        main(root)


@pytest.mark.parametrize(("user", "allowed"), [(0, True), (1000, False)])
def test_only_root_is_given_allow_root(root, monkeypatch, user, allowed):
    monkeypatch.setattr(workspace.os, "geteuid", lambda: user, raising=False)
    assert ("--allow-root" in lab_arguments(root)) == allowed


def test_without_a_display_no_browser_is_opened(root, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(workspace.sys, "platform", "linux")
    assert "--no-browser" in lab_arguments(root)
    monkeypatch.setenv("DISPLAY", ":0")
    assert "--no-browser" not in lab_arguments(root)


def test_jupyterlab_starts_in_the_workspace_and_asks_for_no_news(root, tmp_path):
    package = root / "course" / "ninelives"
    package.mkdir(parents=True)
    shutil.copy(workspace.__file__, package)
    shutil.copytree(workspace.CONFIG, package / workspace.CONFIG.name)
    command = [sys.executable, str(package / "workspace.py")]
    with serving(command, tmp_path, tmp_path / "settings") as ask:
        page = ask("/lab")
        files = json.loads(ask("/api/contents"))
        viewers = json.loads(ask("/lab/api/settings/@jupyterlab/docmanager-extension:plugin"))
    assert '"news": {"disabled": true}' in page
    assert '"disabledExtensions": ["@jupyterlab/apputils-extension:announcements"' in page
    assert {file["name"] for file in files["content"]} == {"01-embeddings", "02-attention", "start.ipynb"}
    assert viewers["schema"]["properties"]["defaultViewers"]["default"] == {"markdown": "Markdown Preview"}


def test_jupyterlab_is_started_in_the_workspace_where_the_assignments_tab_looks(root, monkeypatch):
    started = []
    monkeypatch.setattr("jupyterlab.labapp.LabApp.launch_instance", lambda argv: started.append(Path.cwd()))
    monkeypatch.setattr("sys.argv", ["ninelives"])
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "")
    monkeypatch.chdir(root)
    main(root)
    assert started == [root / "my-notebooks"]


def test_without_jupyterlab_one_sentence_says_what_to_install(root, monkeypatch):
    monkeypatch.setattr(workspace, "find_spec", lambda name: None)
    monkeypatch.setattr("sys.argv", ["ninelives"])
    with pytest.raises(SystemExit, match=r"ipykernel is not installed, .*\[course,teach\]"):
        main(root)
    assert not (root / "my-notebooks").exists()
