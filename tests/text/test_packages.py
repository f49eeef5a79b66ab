import pytest

from ninelives.text.packages import NotInstalled, folder_of


def test_a_missing_package_is_named_with_how_to_install_it():
    with pytest.raises(NotInstalled, match=r'(?s)the package no_such_package, which is not installed\..*\n    \S+ -m pip install .* -e "\.\[labs\]"\n\nand restart'):
        folder_of("no_such_package")


def test_a_single_file_of_the_same_name_is_not_a_package(tmp_path, monkeypatch):
    (tmp_path / "lone_module.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(NotInstalled, match="lone_module"):
        folder_of("lone_module")


def test_the_files_of_a_package_are_found_and_its_code_is_not_run(tmp_path, monkeypatch):
    (tmp_path / "breaks").mkdir()
    (tmp_path / "breaks" / "__init__.py").write_text("raise RuntimeError")
    monkeypatch.syspath_prepend(tmp_path)
    assert folder_of("breaks") == tmp_path / "breaks"
