"""Which files beside a notebook are kept."""

from ninelives.grading.folders import everything_in
from ninelives.grading.submitted_files import choose_files, reserved_paths


def test_small_files_come_first_and_one_note_lists_what_is_left_out(tmp_path):
    for number in range(50):
        (tmp_path / f"a{number:02}").write_bytes(b"1" * 900)
    (tmp_path / "weights").write_bytes(b"1" * 100)
    found, notes = choose_files(tmp_path, *everything_in(tmp_path), 2 << 10, set())
    assert [str(place) for place in found] == ["a00", "a01", "weights"]
    assert notes == ["a02, a03, a04 and 45 more were left out: the files of a submission may have 0 MB."]


def test_no_submitted_file_takes_the_path_of_a_file_of_the_assignment(tmp_path):
    (tmp_path / "table.csv").mkdir()
    (tmp_path / "table.csv" / "mine").touch()
    (tmp_path / "data").touch()
    reserved = reserved_paths(["01"], ["table.csv", "data/words.txt"])
    assert choose_files(tmp_path, *everything_in(tmp_path), 1 << 20, reserved) == (
        (), ["data, table.csv/mine were left out: a file of the assignment goes there."])


def test_a_file_that_the_course_ignores_is_left_out_without_a_word(tmp_path):
    for name in ("blah.pyc", "mine.txt"):
        (tmp_path / name).touch()
    found, notes = choose_files(tmp_path, *everything_in(tmp_path), 1 << 20, set(), ("*.pyc",))
    assert [str(path) for path in found] == ["mine.txt"] and notes == []
