"""Downloads made as Moodle and Canvas make them: see the module's docstring for the sources."""

from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pytest

from ninelives.grading import downloads
from ninelives.grading.downloads import BadDownload, choose, parse, read_downloads

NOTEBOOKS = {"01-embeddings.ipynb"}
DAY = (2026, 11, 27, 18, 0, 0)


def make_zip(path, *names, when=DAY, content=b"{}"):
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(ZipInfo(name, when), content)
    return path


@pytest.mark.parametrize(("path", "name", "number", "file", "prefix"), [
    ("Ada Lovelace_1234567_assignsubmission_file/own/net.bin", "Ada Lovelace", "1234567", "own/net.bin", "Ada Lovelace_1234567_assignsubmission_file/"),
    ("Jürgen O'Neil_7_assignsubmission_file_/a b.ipynb", "Jürgen O'Neil", "7", "a b.ipynb", "Jürgen O'Neil_7_assignsubmission_file_/"),
    ("Ada Lovelace_1234567_assignsubmission_file_01-embeddings.ipynb", "Ada Lovelace", "1234567", "01-embeddings.ipynb",
     "Ada Lovelace_1234567_assignsubmission_file_"),
    ("Participant_99_assignsubmission_file/x.ipynb", "Participant", "99", "x.ipynb", "Participant_99_assignsubmission_file/"),
    ("zip/lovelaceada_12345_67890_01-embeddings-1.ipynb", "lovelaceada", "12345", "01-embeddings-1.ipynb", "lovelaceada_12345_67890_"),
    ("müllerjörg_LATE_12345_67890_my_work_2.ipynb", "müllerjörg", "12345", "my_work_2.ipynb", "müllerjörg_LATE_12345_67890_"),
])
def test_a_path_says_whose_file_it_is_and_how_the_platform_calls_it(path, name, number, file, prefix):
    one = parse(path)
    assert (one.name, one.number, one.file, one.prefix) == (name, number, file, prefix)
    assert one.late == ("LATE" in path) and bool(one.upload) == ("67890" in path)


def test_a_name_is_the_same_however_its_umlaut_is_written():
    assert parse("Ju\u0308rgen_7_assignsubmission_file/x.ipynb").name == "Jürgen"


@pytest.mark.parametrize("path", [
    "notes.txt", "Ada_1_assignsubmission_onlinetext/onlinetext.html", "Ada_1_assignsubmission_file/timestamp.txt",
    "ada_1_2_submission_secret.txt", "Ada_1_assignsubmission_file/.ipynb_checkpoints/x.ipynb", "__MACOSX/ada_1_2_x.ipynb", "ada_1_link.html",
])
def test_other_files_are_not_taken_above_all_no_time_that_a_learner_has_made(path):
    assert parse(path) is None


@pytest.mark.parametrize(("path", "number", "file"), [
    ("Eve_5_assignsubmission_file/Ada_1_assignsubmission_file/x.ipynb", "5", "Ada_1_assignsubmission_file/x.ipynb"),
    ("zip/Eve_5_assignsubmission_file/lovelaceada_1_2_x.ipynb", "5", "lovelaceada_1_2_x.ipynb"),
    ("Eve_5_assignsubmission_file_ada_1_2_x.ipynb", "5", "ada_1_2_x.ipynb"),
    ("eve_5_70_Ada_1_assignsubmission_file_x.ipynb", "5", "Ada_1_assignsubmission_file_x.ipynb"),
    ("eve_5_70_ada_1_2_x.ipynb", "5", "ada_1_2_x.ipynb"), ("eve_LATE_5_70_ada_LATE_1_2_x.ipynb", "5", "ada_LATE_1_2_x.ipynb"),
])
def test_a_file_that_is_called_like_someone_elses_stays_with_the_learner_who_sent_it(path, number, file):
    assert (parse(path).number, parse(path).file) == (number, file)


def test_a_path_with_doubled_slashes_and_dots_is_the_plain_one(tmp_path):
    make_zip(tmp_path / "a.zip", "Ada_1_assignsubmission_file//timestamp.txt", "Ada_1_assignsubmission_file/./a//b.txt")
    assert [one.file for one in read_downloads(tmp_path)[0].sent] == ["a/b.txt"]


def test_in_canvas_the_last_upload_of_a_notebook_counts_and_the_others_are_named(tmp_path):
    make_zip(tmp_path / "a.zip", "ada_1_70_01-embeddings.ipynb", "ada_1_72_01-embeddings-2.ipynb", "ada_1_71_01-embeddings-1.ipynb",
             "ada_1_60_notes.pdf", "bert_2_50_01-embeddings-1.ipynb")
    chosen, notes = choose(read_downloads(tmp_path), NOTEBOOKS)
    assert sorted(one.path for _, one in chosen) == ["ada_1_60_notes.pdf", "ada_1_72_01-embeddings-2.ipynb", "bert_2_50_01-embeddings-1.ipynb"]
    [note] = notes
    assert "not collected: ada_1_70_01-embeddings.ipynb in a.zip, ada_1_71_01-embeddings-1.ipynb in a.zip" in note


def test_two_notebooks_with_numbers_in_their_names_are_two():
    assert {downloads.file_in(parse(f"ada_1_7{n}_hw-{n}.ipynb"), {"hw-1.ipynb", "hw-2.ipynb", "hw.ipynb"}) for n in (1, 2)} == {"hw-1.ipynb", "hw-2.ipynb"}


def test_of_two_downloads_from_moodle_the_newer_counts_for_each_learner(tmp_path):
    ada, bert = "Ada_1_assignsubmission_file", "Bert_2_assignsubmission_file"
    make_zip(tmp_path / "z-old.zip", f"{ada}/old.ipynb", f"{bert}/01-embeddings.ipynb")
    make_zip(tmp_path / "a-new.zip", f"{ada}/01-embeddings.ipynb", f"{ada}/own/net.bin", when=(2026, 11, 28, 0, 0, 0))
    chosen, notes = choose(read_downloads(tmp_path), NOTEBOOKS)
    assert sorted((download.path.name, one.file) for download, one in chosen) == [
        ("a-new.zip", "01-embeddings.ipynb"), ("a-new.zip", "own/net.bin"), ("z-old.zip", "01-embeddings.ipynb")]
    assert len(notes) == 1 and f"{ada}/old.ipynb in z-old.zip" in notes[0]


def test_a_folder_that_the_browser_has_unpacked_is_read_too(tmp_path):
    (tmp_path / "submissions").mkdir()
    (tmp_path / "submissions" / "ada_1_70_01-embeddings.ipynb").write_text("{}")
    [(download, one)] = choose(read_downloads(tmp_path), NOTEBOOKS)[0]
    download.extract([one], tmp_path / "out")
    assert (tmp_path / "out" / "submissions" / "ada_1_70_01-embeddings.ipynb").read_text() == "{}"


def test_a_name_that_is_not_marked_as_utf8_is_read_as_utf8(tmp_path):
    path = make_zip(tmp_path / "a.zip", "xx_1_70_01-embeddings.ipynb")
    path.write_bytes(path.read_bytes().replace(b"xx_1", "ü_1".encode()))
    [(download, one)] = choose(read_downloads(tmp_path), NOTEBOOKS)[0]
    assert one.name == "ü"


@pytest.mark.parametrize("evil", ["../../evil.ipynb", "/etc/evil", "a/../../evil", "..\\evil.ipynb", "C:\\evil.ipynb"])
def test_a_path_that_leads_out_of_its_folder_is_refused(tmp_path, evil):
    make_zip(tmp_path / "a.zip", "ada_1_70_01-embeddings.ipynb", f"Ada_1_assignsubmission_file/{evil}" if evil[0] == "." else evil)
    with pytest.raises(BadDownload, match="leads out of its folder: nothing was collected"):
        read_downloads(tmp_path)


@pytest.mark.parametrize("data", [b"", b"nonsense", b"PK\x03\x04 cut off"])
def test_a_file_that_is_no_zip_is_refused(tmp_path, data):
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(BadDownload, match="a.zip cannot be read as a zip"):
        read_downloads(tmp_path)


def test_a_zip_bomb_is_refused_before_anything_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "MAX_BYTES", 10 << 20)
    make_zip(tmp_path / "a.zip", "ada_1_70_01-embeddings.ipynb", content=bytes(11 << 20))
    with pytest.raises(BadDownload, match="would unpack to 11 MB, which is too much"):
        read_downloads(tmp_path)


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "MAX_FILES", 2)
    make_zip(tmp_path / "a.zip", *(f"ada_1_{n}_x.ipynb" for n in range(3)))
    with pytest.raises(BadDownload, match="contains 3 files, too many"):
        read_downloads(tmp_path)


def test_a_zip_whose_content_is_damaged_is_refused(tmp_path):
    path = make_zip(tmp_path / "a.zip", "ada_1_70_01-embeddings.ipynb", content=bytes(range(256)))
    data = bytearray(path.read_bytes())
    data[80:90] = bytes(10)
    path.write_bytes(data)
    [(download, one)] = choose(read_downloads(tmp_path), NOTEBOOKS)[0]
    with pytest.raises(BadDownload, match="a.zip is damaged"):
        download.extract([one], tmp_path / "out")


@pytest.mark.parametrize("names", [(), ("essay.docx",), ("__MACOSX/ada_1_2_x.ipynb",)])
def test_a_zip_of_something_else_is_refused(tmp_path, names):
    make_zip(tmp_path / "a.zip", *names)
    with pytest.raises(BadDownload, match="There is no submission in"):
        read_downloads(tmp_path)
