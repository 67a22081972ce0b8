"""What is said of a line that does not fit: what was probably meant, and never a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar_magics.cli import main
from sidecar_magics.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from IPython.core.interactiveshell import InteractiveShell


@pytest.fixture
def files(tmp_path: Path, shell: InteractiveShell) -> Path:
    """Make files that lines name, in the shell's folder."""
    del shell  # it changes into the folder
    (tmp_path / "my data").mkdir()
    (tmp_path / "with space").mkdir()
    for name in ("a.sql", "b.sql", "my data/a.sql", "my data/b c.sql", "with space/a b.sql"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        # Paths with spaces: which of the words are one is seen on the disk.
        ("my data/a.sql", "takes one file", "%mysql_load 'my data/a.sql'"),
        ("--once my data/a.sql", "takes one file", "%mysql_load 'my data/a.sql'"),
        ("my data/b c.sql --jobs 2", "takes one file", "%mysql_load 'my data/b c.sql'"),
        ("my data/*.sql", "takes one file", "%mysql_load 'my data/*.sql'"),
        ("new my data/a.sql", "3 words", "%mysql_load 'my data/a.sql'"),
        ("no such/a.sql", "takes one file", "in quotes: %mysql_load 'my data/dump.sql'"),
        ("a.sql b.sql", "takes one file", "%mysql_load 'data/*.sql'"),
        ("it's.sql", "a quote is not closed", 'double quotes: "it\'s.sql"'),
        # Options.
        ("a.sql --onec", "no option --onec", "did you mean --once?"),
        ("a.sql -once", "no option -once", "did you mean --once?"),
        ("a.sql --Once", "no option --Once", "did you mean --once?"),
        ("a.sql --skip_definer", "no option --skip_definer", "did you mean --skip-definer?"),
        ("a.sql --skip-definers", "no option", "did you mean --skip-definer?"),
        ("a.sql --data", "no option --data", "did you mean --database?"),
        ("a.sql --pasword=hunter2", "no option --pasword.", "did you mean --password-env?"),
        ("a.sql --pasword hunter2", "no option --pasword.", "did you mean --password-env?"),
        ("a.sql \u2014once", "a dash", "write --once."),
        ("a.sql \u2013database=x", "a dash", "write --database."),
        ("a.sql once", "no hyphens", "did you mean --once?"),
        ("a.sql database=x", "no hyphens", "did you mean --database?"),
        ("a.sql --zzzzzz", "no option --zzzzzz", "%mysql_load? shows its options"),
        ("a.sql --jobs x", "not a number", "%mysql_load? shows its options"),
        ("a.sql --into", "expected one argument", "%mysql_load? shows its options"),
        # Help.
        ("--help", "no option --help", "%mysql_load?"),
        ("-h", "no option -h", "%mysql_load?"),
        ("a.sql -h", "no option -h", "%mysql_load?"),
        ("a.sql -h localhost", "no option -h", "did you mean --host?"),
        # SQL.
        ("SELECT 1", "looks like SQL", "%%mysql_load (two %)"),
        ("create user bob identified by 'hunter2';", "looks like SQL", "%%mysql_load (two %)"),
        ("'USE test'", "looks like SQL", "%%mysql_load (two %)"),
        # Habits from Python, from shells.
        ("a.sql;", "`;` is at the end", "remove it; --quiet"),
        ("a.sql ;", "`;` is at the end", "remove it; --quiet"),
        ("--database x;", "`;` is at the end", "remove it; --quiet"),
        ("a.sql # the dump", "no comment", "a line of its own"),
        ("# a.sql", "no comment", "a line of its own"),
        ("#", "no comment", "a line of its own"),
        ("< a.sql", "not a shell", "%mysql_load FILE."),
        ("<a.sql", "not a shell", "%mysql_load FILE."),
        ("--database x < a.sql", "not a shell", "%mysql_load FILE."),
        ("a.sql > log.txt", "not a shell", "report = %mysql_load"),
        ("a.sql 2>&1", "not a shell", "report = %mysql_load"),
        ("a.sql -- the dump", "no comment", "a line of its own"),
        # Options as others call them.
        ("a.sql --schema lab", "no option --schema", "did you mean --database?"),
        ("a.sql --dry-run", "no option --dry-run", "did you mean --check?"),
        ("a.sql --threads 4", "no option --threads", "did you mean --jobs?"),
        ("a.sql --database ''", "--database is empty", "name a schema"),
        ("a.sql --database `lab`", "has no backticks", "write --database lab."),
        ("a.sql lab", "2 words", "did you mean --database lab?"),
        ("a.sql --init SET sql_mode=1", "takes one file", '--init "SET ..."'),
        # A path that begins as SQL does.
        ("with space/a b.sql", "takes one file", "%mysql_load 'with space/a b.sql'"),
        ("with no such/a.sql", "takes one file", "in quotes"),
        # Variables of Python that there are not.
        ("{nowhere}/a.sql", "{nowhere} stands for a Python variable", "nowhere is defined"),
        ("a.sql --database {lab.name}", "was not replaced", "{{ and }}"),
        ("'{_dh[7]}/a.sql'", "was not replaced", "_dh[7] is defined"),
        # Nothing to load.
        ("", "takes a file", "%mysql_load dump.sql"),
        ("-", "no standard input", "below %%mysql_load"),
    ],
)
def test_what_was_meant(
    line: str, message: str, hint: str, files: Path, shell: InteractiveShell
) -> None:
    del files
    with pytest.raises(UsageError) as caught:
        shell.run_line_magic("mysql_load", line)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert "hunter2" not in str(caught.value)
    assert len(caught.value._render_traceback_()) == 2


@pytest.mark.parametrize(
    ("magic", "line", "hint"),
    [
        ("mysql_wait", "60", "did you mean --timeout 60?"),
        ("mysql_wait", "60s", "did you mean --timeout 60?"),
        ("mysql_wait", "localhost", "did you mean --host localhost?"),
        ("mysql_wait", "127.0.0.1:3306", "did you mean --host 127.0.0.1 --port 3306?"),
        ("mysql_wait", "db.lab.org", "did you mean --host db.lab.org?"),
        ("mysql_wait", "root:hunter2@db.lab:3307", "--host db.lab --port 3307 --user NAME --pass"),
        ("mysql_wait", "mysql://bob@db.lab/x", "did you mean --host db.lab --user NAME?"),
        ("mysql_wait", "--timeout 10s", "write the number alone: 10 (seconds)"),
        ("mysql_wait", "--timeout=1.5min", "write the number alone: 90 (seconds)"),
        ("mysql_keep", "--every 1h", "write the number alone: 60 (minutes)"),
        ("mysql_keep", "--every .s", "%mysql_keep? shows"),
        ("mysql_wait", "--wait 5", "did you mean --timeout?"),
        ("datajoint_connect", "--timeout 5", "did you mean --wait?"),
        ("mysql_wait", "?", "write %mysql_wait? for help"),
        ("datajoint_connect", "root hunter2", "--user NAME; a password only in a variable"),
        ("datajoint_connect", "hunter2", "--user NAME; a password only in a variable"),
        ("mysql_load", "mysql://root:hunter2@db.lab:3307/x", "did you mean --host db.lab --port"),
        ("mysql_load", "mysql+pymysql://x", "--host NAME"),
        ("mysql_dump", "a.sql --schema lab", "after the file: %mysql_dump dump.sql.gz my_schema"),
        ("mysql_dump", "a.sql --schemas lab", "after the file"),
        ("mysql_wait", "--tim 3", "did you mean --timeout?"),
        ("mysql_wait", "-h localhost", "did you mean --host?"),
        ("mysql_wait", ";", "remove it"),
        ("mysql_wait", "--port x", "%mysql_wait? shows"),
        ("datajoint_connect", "30", "did you mean --wait 30?"),
        ("datajoint_connect", "reset", "did you mean --reset?"),
        ("datajoint_connect", "--spyglas /data", "did you mean --spyglass?"),
        ("datajoint_connect", "--assign 1x", "--assign conn"),
        ("datajoint_connect", "--save", "add --spyglass BASE_DIR"),
        ("mysql_doctor", "--help", "%mysql_doctor?"),
    ],
)
def test_what_was_meant_elsewhere(
    magic: str, line: str, hint: str, shell: InteractiveShell
) -> None:
    with pytest.raises(UsageError) as caught:
        shell.run_line_magic(magic, line)
    assert hint in caught.value.hint
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "cell", "words"),
    [
        ("a.sql", "SELECT 1", "not both"),
        ("a.sql", "\n", "write %mysql_load a.sql (one %)"),
        ("", " \n", "write %mysql_load FILE (one %)"),
        ("SELECT 1;", "SELECT 2;", "below it"),
        ("lab", "SELECT 1", "did you mean --database lab?"),
        ("-- mice", "SELECT 1", "a file or the SQL"),
        ("-- all mice", "SELECT 1", "no comment"),
    ],
)
def test_a_cell_and_its_line(line: str, cell: str, words: str, shell: InteractiveShell) -> None:
    with pytest.raises(UsageError, match=words.replace("(", r"\(").replace(")", r"\)")):
        shell.run_cell_magic("mysql_load", line, cell)


@pytest.mark.parametrize("name", ["a;", "#a.sql", "<a.sql", "USE it.sql"])
def test_a_file_that_is_there_is_loaded_whatever_its_name(
    name: str, tmp_path: Path, shell: InteractiveShell
) -> None:
    (tmp_path / name).write_text("SELECT 1;")
    plan = shell.run_line_magic("mysql_load", f"--explain '{name}'")
    assert plan.source == name


def test_an_option_may_have_a_value_like_a_habit(tmp_path: Path, shell: InteractiveShell) -> None:
    (tmp_path / "a.sql").write_text("SELECT 1;")
    line = "a.sql --explain --init 'SET @x = 1;' --tables '#t' --tables '<t'"
    assert shell.run_line_magic("mysql_load", line).source == "a.sql"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["load", "a.sql", "--onec"], "did you mean --once?"),
        (["load", "a.sql", "--pasword", "hunter2"], "did you mean --password-env?"),
        (["load", "my", "data/a.sql"], "put a path with spaces in quotes"),
        (["up", "--flavor", "mysql"], "did you mean --flavour?"),
    ],
)
def test_the_command_says_what_was_meant(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    shown = capsys.readouterr().err
    assert words in shown
    assert "hunter2" not in shown


@pytest.mark.parametrize(
    ("cell", "line"),
    [
        ("# the first mice\n%%mysql_load\nSELECT 1;", 2),
        ("\n\nimport os\n%time x = 1\n\n%%mysql_load --database lab\nSELECT 1;", 6),
        ("%load_ext sidecar_magics\n%%mysql_load\nSELECT 1;", 2),
    ],
)
def test_what_is_above_a_cell_of_sql(cell: str, line: int, shell: InteractiveShell) -> None:
    result = shell.run_cell(cell)
    error = result.error_before_exec
    assert isinstance(error, UsageError)
    assert f"in line {line} of its cell" in error.message
    assert "cell of its own" in error.hint


@pytest.mark.parametrize(
    "cell",
    [
        "text = '''\n%%mysql_load\nSELECT 1;\n'''",
        "%%writefile note.txt\n%%mysql_load\nSELECT 1;",
        "%%capture\n%%mysql_load --explain\nSELECT 1;",
    ],
)
def test_what_is_no_cell_of_sql(cell: str, shell: InteractiveShell) -> None:
    shell.run_cell(cell).raise_error()
