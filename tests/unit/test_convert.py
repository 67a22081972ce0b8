"""Tutorials of many shapes: what is converted, what is left, and that nothing else is touched."""

from __future__ import annotations

import json
import os
import stat
import zlib
from pathlib import Path
from typing import Any

import pytest

from sidecar_magics.cli import main
from sidecar_magics_convert import Changed, Conversion, Left, convert
from sidecar_magics_convert.notebook import Notebook

FIRST = "%load_ext sidecar_magics\n%mysql_wait"
PASTE = """\
%%bash
mysql -h 127.0.0.1 -u root --password=tutorial \\
  < /home/jovyan/spyglass-demo/data/prepopulate.sql"""
IMPORT = "import datajoint as dj\n"


def code_cell(source: str, **more: Any) -> dict[str, Any]:
    outputs = [{"output_type": "stream", "name": "stdout", "text": ["old\n"]}]
    return {
        "cell_type": "code",
        "execution_count": 7,
        "id": f"cell-{zlib.crc32(source.encode())}",
        "metadata": {"tags": ["kept"]},
        "outputs": outputs,
        "source": source.splitlines(keepends=True),
        **more,
    }


def text_of(*cells: Any) -> str:
    notebook = {
        "cells": [code_cell(each) if isinstance(each, str) else each for each in cells],
        "metadata": {"kernelspec": {"name": "python3"}, "kept": "ü"},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def converted(*cells: Any, folder: Path = Path("/nowhere")) -> Conversion:
    return convert(Notebook(folder / "tutorial.ipynb", text_of(*cells)))


def sources(conversion: Conversion) -> list[str]:
    return ["".join(cell["source"]) for cell in json.loads(conversion.text)["cells"]]


def only(source: str, *, folder: Path = Path("/nowhere")) -> str:
    """Return what a cell becomes that must be converted."""
    first, *then = sources(converted(source, folder=folder))
    if not then:  # it begins with a wait
        before, line, after = first.partition("%load_ext sidecar_magics\n")
        assert line
        assert after.startswith("%mysql_wait")
        return before + after
    assert first == FIRST
    return then[0]


# The shell -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("mysql -h 127.0.0.1 -u root -ptutorial < data/a.sql", "%mysql_load data/a.sql --once"),
        ("mysql -uroot -h127.0.0.1 mydb < a.sql", "%mysql_load a.sql --once --database mydb"),
        ("mysql -D mydb -f -v < a.sql", "%mysql_load a.sql --once --database mydb --force"),
        ("MYSQL_PWD=tutorial /usr/bin/mysql --user=root <a.sql", "%mysql_load a.sql --once"),
        ("mysql -u root < 'my dump.sql' 2>/dev/null", "%mysql_load 'my dump.sql' --once"),
        ("zcat data/a.sql.gz | mysql -u root", "%mysql_load data/a.sql.gz --once"),
        (
            "gunzip -c < a.sql.gz | mysql --host localhost x",
            "%mysql_load a.sql.gz --once --database x",
        ),
        ("cat a.sql | mariadb --protocol=TCP", "%mysql_load a.sql --once"),
        ('mysql -e "source data/a.sql;"', "%mysql_load data/a.sql --once"),
        ("sleep 20\nmysql < a.sql; echo done", "%mysql_load a.sql --once\nprint('done')"),
        (
            "# the dump\nmysql < a.sql && mysql < b.sql",
            "# the dump\n%mysql_load a.sql --once\n%mysql_load b.sql --once",
        ),
        ("until mysqladmin ping -h 127.0.0.1 --silent; do\n  sleep 1\ndone", "%mysql_wait"),
        ("set -e\nmysqladmin ping\nsleep 3", "%mysql_wait"),
        (
            "mysql -u root -e \"CREATE DATABASE d; GRANT ALL ON d.* TO 'a'@'%'\"",
            "%%mysql_load\nCREATE DATABASE IF NOT EXISTS d; GRANT ALL ON d.* TO 'a'@'%'",
        ),
        (
            "mysql d -e '\nINSERT INTO `t`\nVALUES (1);'",
            "%%mysql_load --database d\nINSERT INTO `t`\nVALUES (1);",
        ),
        ("mysql < dump#2.sql  # the second", "%mysql_load 'dump#2.sql' --once\n# the second"),
        ("# the dump \\\nmysql < a.sql", "# the dump \\\n%mysql_load a.sql --once"),
        ("\tmysql\t-u\troot\t<\ta.sql", "%mysql_load a.sql --once"),
        ("mysql < ~/a.sql", "%mysql_load '~/a.sql' --once"),
        ('mysql < "C:\\data\\a.sql"', "%mysql_load 'C:\\data\\a.sql' --once"),
        ("mysql < a\\ b.sql", "%mysql_load 'a b.sql' --once"),
        ("mysql -u ro\\\not < a.sql", "%mysql_load a.sql --once"),
        ("mysql < a.sql; echo ';' \"|\" '<'", "%mysql_load a.sql --once\nprint('; | <')"),
        ("sleep 5\necho mysql is up", "%mysql_wait\nprint('mysql is up')"),
        ("until mysqladmin ping &>/dev/null; do :; done", "%mysql_wait"),
        ("mysql --password='' -u root < a.sql", "%mysql_load a.sql --once"),
        ("sudo mysql < a.sql", "%mysql_load a.sql --once"),
        (
            "sudo -E mysql d -e 'USE x; DROP TABLE t'",
            "%%mysql_load --database d\nUSE x; DROP TABLE t",
        ),
        ("mysql -e 'USE d; SHOW TABLES'", "%%mysql_load\nUSE d; SHOW TABLES"),
        ("mysql <<EOF\nUSE d;\nSELECT 'a\\$b';\nEOF\n", "%%mysql_load\nUSE d;\nSELECT 'a$b';"),
        ("mysql d <<'END'\nDROP TABLE `$t`;\nEND", "%%mysql_load --database d\nDROP TABLE `$t`;"),
        (
            "cat <<-EOF | mysql\n\tUSE d;\n\tDROP TABLE t\n\tEOF",
            "%%mysql_load\nUSE d;\nDROP TABLE t",
        ),
        ("mysql <<< 'DROP TABLE d.t'", "%%mysql_load\nDROP TABLE d.t"),
        (
            "echo 'CREATE DATABASE d' | sudo mysql -u root",
            "%%mysql_load\nCREATE DATABASE IF NOT EXISTS d",
        ),
        (
            "mysql -e 'DROP TABLE d.t; CREATE TABLE d.t (a INT)'",
            "%%mysql_load\nDROP TABLE d.t; CREATE TABLE d.t (a INT)",
        ),
        (
            "mysql -e 'create  TABLE if not exists d.`ü`(a INT);"
            " CREATE USER u; CREATE TEMPORARY TABLE x (a INT)'",
            "%%mysql_load\ncreate  TABLE if not exists d.`ü`(a INT);"
            " CREATE USER IF NOT EXISTS u; CREATE TEMPORARY TABLE x (a INT)",
        ),
        ('echo "show engines;" | mysql', "%%mysql_load\nshow engines;"),
        ("docker exec -i db mysql -uroot -ptutorial < a.sql", "%mysql_load a.sql --once"),
        ("docker compose exec -T db mysql x < a.sql", "%mysql_load a.sql --once --database x"),
        ("cat a.sql | docker exec -i db mysql", "%mysql_load a.sql --once"),
        ("sudo service mysql start\nmysql < a.sql >/dev/null", "%mysql_load a.sql --once"),
        (
            "mysql -e 'CREATE DATABASE d'\nmysql -e 'USE d; CREATE TABLE t (a INT);'",
            "%%mysql_load\nCREATE DATABASE IF NOT EXISTS d;\n"
            "USE d; CREATE TABLE IF NOT EXISTS t (a INT);",
        ),
        (
            "mysql -e \"INSERT INTO d.t VALUES ('a 2>/dev/null b', '\\$5', 'x\\\ny')\"",
            "%%mysql_load\nINSERT INTO d.t VALUES ('a 2>/dev/null b', '$5', 'xy')",
        ),
        (
            "mysql -e 'INSERT INTO d.t VALUES (\"a\\\nb\")'",
            '%%mysql_load\nINSERT INTO d.t VALUES ("a\\\nb")',
        ),
    ],
)
def test_the_client_in_a_cell_of_the_shell(command: str, line: str) -> None:
    assert only(f"%%bash\n{command}") == line


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("%%bash\nmysql < $HOME/a.sql", "variable of the shell"),
        ("%%bash\nmysql < `ls *.sql`", "variable of the shell"),
        ("%%bash\nmysql < data/*.sql", "a pattern"),
        ("%%bash\nmysql <<EOF\nSELECT '$x'\nEOF", "variable of the shell"),
        ("%%bash\nmysql <<EOF\nSELECT `x`\nEOF", "variable of the shell"),
        ("%%bash\nmysql <<EOF\nSELECT 1", "where its text ends"),
        ("%%bash\nmysql <<EOF -e 'CREATE\nEOF\nEOF", "where its text ends"),
        ("%%bash\nmysql <<'EOF' < a.sql\nUSE d\nEOF", "neither a file nor statements, or both"),
        ("%%bash\nmysql <<'EOF'\nsystem ls\nEOF", "a command of the client, system"),
        ("%%bash\nmysql <<'EOF'\nEOF", "its statements are empty"),
        ("%%bash\nmysql -e 'SHOW TABLES; SELECT 1'", "several statements show rows"),
        ("%%bash\necho -e 'USE d;\\nDROP TABLE t' | mysql", "what echo pipes into the client"),
        ("%%bash\necho 'SHOW TABLES' | mysql | head -1", "goes into another command"),
        ("%%bash\nservice mysql restart", "stops or restarts the server"),
        ("!/etc/init.d/mysql stop", "stops or restarts the server"),
        ("%%bash\nsudo -u mysql mysql < a.sql", "a command is not known"),
        ("!docker run -e X=1 mysql-backup mysql", "docker run starts something"),
        ("!docker run -p 3306 mysql:8", "which port"),
        ("!mysqladmin -u root password 's3cret'", "changes the password"),
        (
            "!mysql -e \"ALTER USER 'root'@'localhost' IDENTIFIED BY 's3cret'\"",
            "the shared account",
        ),
        ("!mysql -e \"SET PASSWORD = 's3cret'\"", "the shared account"),
        ("!mysql -e 'USE d'\n!mysql d -e 'DROP TABLE t'", "for several places"),
        ("%%bash\nmysql -u root -p\ns3cret", "neither a file nor statements"),
        ("%%bash\nmysql -u root -p < a.sql\ns3cret\n", "a command is not known"),
        ("%%bash\nmysql -e 'CREATE DATABASE d'\nmysql < a.sql", "a cell of their own"),
        ("%%bash\nmysql --defaults-file=x < a.sql", "mysql has an option, --defaults-file"),
        ("%%bash\nmysql -S /tmp/mysql.sock < a.sql", "mysql has an option, -S,"),
        ("%%bash\ncd data && mysql < a.sql", "the command cd is not known"),
        ("%%bash\nmysql < a.sql || true", "mysql is followed by "),
        ("%%bash\nmysql < a.sql | tee log", "what mysql pipes"),
        ("%%bash\ngrep -v x a.sql | mysql", "what grep pipes into the client"),
        ("%%bash --err error\nmysql < a.sql", "options"),
        ("%%bash\nmysql < a.sql\nmysql -P 3307 < b.sql", "for several servers"),
        ("%%bash\nmysql a b < a.sql", "argument that is not known"),
        ("%%bash\nmysql -u root 'a", "quote is not closed"),
        ("!mysql < {path}", "variable of Python"),
        ("!mysql -e 'CREATE DATABASE $name'", "variable of Python"),
        ("%%bash\nmysql -e \"CREATE DATABASE a'$X'\"", "variable of the shell"),
        ("%%bash\nmysql -e \"DROP TABLE '`cat x`'\"", "variable of the shell"),
        ("%%bash\nmysql < {a,b}.sql", "a brace"),
        ("%%bash\nmysql < 'a{b}.sql'", "a pattern"),
        ("!mysql < C:\\data\\a.sql", "a path of Windows"),
        ("%%bash\r\nmysql < a.sql\r\n", "as on Windows"),
        ("%%bash\nmysql -e 'CREATE DATABASE a' -e 'CREATE DATABASE b'", "twice"),
        ("%%bash\nmysql -e 'source a.sql' --execute='CREATE DATABASE b'", "twice"),
        ("%%bash\nmysql -h a --host=b < a.sql", "twice"),
        ("%%bash\nmysqladmin ping || mysql -ps3cret < a.sql", "mysqladmin is followed by "),
        ("%%bash\nmysqladmin ping > log", "mysqladmin is followed by >"),
        ("%%bash\nmysqladmin ping | mysql", "what mysqladmin pipes"),
        ("%%bash\nmysqladmin ping shutdown", "mysqladmin has an argument"),
        ("%%bash\nmysqladmin -S /tmp/x ping", "mysqladmin has an option, -S,"),
        ("%%bash\nmysqladmin -h a ping\nmysql -h b < a.sql", "for several servers"),
        ("out = !mysql -e 'SHOW TABLES'", "kept"),
        ("x = 1\n!mysql -e 'CREATE DATABASE d'", "a cell of their own"),
        ("import os\nos.system('mysql -u root < a.sql')", "os.system starts the client"),
        (
            "import subprocess\nsubprocess.run(\n ['mysql', '-ps3cret'],\n stdin=open('a.sql'))",
            "subprocess.run starts the client",
        ),
        ("import subprocess as sp\nsubprocess.check_call(f'mysql -u {x} < a.sql')", "check_call"),
        ("# mysql\nfrom getpass import getpass\npassword = getpass()", "getpass asks a question"),
        ("import pymysql\nc = pymysql.connect(host='x', password='s3cret')", "by itself"),
        ("%sql mysql+pymysql://root:s3cret@127.0.0.1", "with an account"),
        (IMPORT + "dj.config['database.password'] = getpass.getpass() + 'x'", "computed or asked"),
        (IMPORT + "dj.config['database.user'] = 'YOUR NAME HERE'", "user is not filled in"),
        (IMPORT + "dj.config.database.host = HOST", "computed or asked for"),
        (IMPORT + "dj.config['database.host'] = HOST", "computed or asked for"),
        (IMPORT + "if x:\n    dj.config['database.host'] = 'y'", "within other code"),
        (IMPORT + "dj.config.update({'database.host': 'y'})", "many keys at once"),
        (IMPORT + "dj.config.load(find())", "which file"),
        (IMPORT + "dj.config['database.user'] = 'a'; x = 1", "with other code"),
        (
            IMPORT
            + "dj.config['database.user'] = 'a'\ndj.conn()\ndj.config['database.host'] = 'b'",
            "between",
        ),
        (IMPORT + "dj.admin.set_password()", "asks questions"),
        (IMPORT + "dj.conn('db.lab', 'root', 's3cret')", "server of its own"),
    ],
)
def test_what_is_not_certain_is_left_and_told(source: str, why: str) -> None:
    conversion = converted("# before", source)
    (cell,) = conversion.cells
    assert isinstance(cell, Left)
    assert cell.number == 2
    assert any(each in cell.why for each in why.split("|")), cell.why
    assert conversion.text == text_of("# before", source)
    assert "s3cret" not in str(conversion)


@pytest.mark.parametrize(
    "source",
    [
        "print('!mysql < a.sql')",
        "text = '''\n!mysql < a.sql\n'''",
        "%%bash\nls -l",
        "%%bash\n# mysql < a.sql",
        "%%bash\necho mysql is up",
        "!echo mysql is up",
        "%%mysql_load\nSELECT 1",
        "%%writefile a.sh\nmysql < a.sql",
        "!pip install mysql",
        "!ls /var/lib/mysql",
        "from getpass import getpass\ntoken = getpass()",
        "dj.config['database.host'] = 'x'  # dj is nobody's here",
        "def broken(:",
        "",
    ],
)
def test_what_is_about_nothing_of_this_stays_without_a_word(source: str) -> None:
    conversion = converted(source)
    assert conversion.cells == ()
    assert conversion.text == text_of(source)
    assert "nothing to convert" in str(conversion)


def test_single_lines_of_the_shell_keep_their_place() -> None:
    source = "if True:\n    x = 1\n    !mysql -u root \\\n      < a.sql\n    y = '''\n!\n'''\n!ls"
    expected = "if True:\n    x = 1\n    %mysql_load a.sql --once\n    y = '''\n!\n'''\n!ls"
    assert only(source) == expected
    assert only("%%time\n!mysql < a.sql") == "%%time\n%mysql_load a.sql --once"
    assert only("!mysql -e 'DROP DATABASE d'") == "%%mysql_load\nDROP DATABASE d"
    several = "!service mysql start\n# lab\n!mysql -e 'DROP TABLE d.t'\n!mysql -e 'SHOW TABLES'"
    assert only(several) == "%%mysql_load\nDROP TABLE d.t;\nSHOW TABLES;\n# lab"


# DataJoint -----------------------------------------------------------------------------------


def test_the_lines_that_configure_a_connection_become_one() -> None:
    source = """\
import datajoint as dj
dj.config["database.host"] = "localhost"  # the sidecar
dj.config["database.user"] = "root"
dj.config["database.password"] = "tutorial"
dj.config["database.use_tls"] = False
dj.config["display.limit"] = 5
dj.conn()"""
    assert only(source) == (
        'import datajoint as dj\n%datajoint_connect\ndj.config["display.limit"] = 5\ndj.conn()'
    )


def test_datajoint_goes_by_the_name_that_the_notebook_gives_it() -> None:
    conversion = converted("import datajoint", "datajoint.config['database.host'] = '127.0.0.1'")
    assert sources(conversion) == ["import datajoint", FIRST, "%datajoint_connect"]


@pytest.mark.parametrize(
    "source",
    [
        "%%bash\nmysqladmin -h db.lab -u bob ping",
        "!mysqladmin --host=db.lab --user=bob ping --silent",
        "%%bash\nuntil mysqladmin -h db.lab -u bob ping >/dev/null 2>&1; do sleep 1; done",
        "%%bash\nmysqladmin ping\nsleep 1\nmysql -h db.lab -u bob < a.sql",
    ],
)
def test_the_server_that_is_asked_is_the_one_that_is_waited_for(source: str) -> None:
    assert converted(source).first == f"{FIRST} --host db.lab --user bob"


def test_empty_lines_before_a_cell_of_the_shell_do_not_hide_it() -> None:
    assert only("\n \n%%bash\nmysql < a.sql") == "%mysql_load a.sql --once"


def test_code_that_is_nested_deeply_does_no_harm() -> None:
    deep = "x" + ".a" * 2000
    value = f"{IMPORT}dj.config['database.password'] = {deep}"
    (left,) = converted("-" * 30_000 + "1", f"{deep} & {deep}()", value).left
    assert "password is not given as it is" in left.why


def test_another_server_is_the_one_that_is_waited_for() -> None:
    source = """\
import os
import datajoint as dj
dj.config["database.host"] = "db.lab"
dj.config["database.port"] = 3307
dj.config["database.user"] = "ann"
dj.config["database.password"] = os.environ["LAB"]
dj.config["database.use_tls"] = True"""
    conversion = converted(source, "%%bash\nmysql < a.sql")
    assert sources(conversion)[:2] == [
        f"{FIRST} --host db.lab --port 3307 --user ann --password-env LAB",
        "import os\nimport datajoint as dj\n%datajoint_connect --password-env LAB --tls required",
    ]
    (left,) = conversion.left
    assert (left.number, left.why) == (2, "it is for another server than cell 1.")


def folder_with(tmp_path: Path, *files: str) -> Path:
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(
            json.dumps({"custom": {"spyglass_dirs": {"base": "/home/jovyan/data"}}})
        )
    (tmp_path / "demo" / "notebooks").mkdir(parents=True, exist_ok=True)
    return tmp_path / "demo" / "notebooks"


CHDIR = """\
import os
from pathlib import Path
if Path.cwd().name == "notebooks":
    os.chdir("..")
import datajoint as dj
dj.config.load(Path("dj_local_conf.json").absolute())"""
AFTER_CHDIR = "import os\nfrom pathlib import Path\nimport datajoint as dj\n%datajoint_connect"


def test_a_quick_start_becomes_what_the_documentation_says(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "demo/dj_local_conf.json", "demo/data/prepopulate.sql")
    conversion = converted(
        PASTE, CHDIR, "import spyglass.common as sgc\nsgc.Session()", folder=folder
    )
    assert sources(conversion)[:3] == [
        FIRST,
        "%mysql_load ../data/prepopulate.sql --once",
        f"{AFTER_CHDIR} --config ../dj_local_conf.json --spyglass",
    ]
    assert conversion.left == ()


@pytest.mark.parametrize(
    "later",
    ["open('data/x.nwb')", "name = 'x.nwb'", "!ls data", "Path.cwd()", "%run other.py", "def no(:"],
)
def test_where_a_folder_may_matter_later_it_is_still_gone_to(tmp_path: Path, later: str) -> None:
    folder = folder_with(tmp_path, "demo/dj_local_conf.json")
    conversion = converted(CHDIR, later, folder=folder)
    (cell,) = conversion.changed
    assert "os.chdir(" in cell.after
    assert cell.after.endswith("%datajoint_connect --config dj_local_conf.json")
    assert "os.chdir stays" in cell.notes[0]


def test_where_the_folder_was_changed_before_nothing_is_known_of_files(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "demo/dj_local_conf.json", "demo/notebooks/a.json")
    (cell,) = converted("import os\nos.chdir('sub')", CHDIR, folder=folder).changed
    assert cell.after.endswith("--config dj_local_conf.json")
    assert "os.chdir(" in cell.after
    elsewhere = "import os\nos.chdir(find())\nimport datajoint as dj\ndj.config.load('a.json')"
    (cell,) = converted(elsewhere, folder=folder).changed
    assert "the file is not on this machine" in cell.notes[0]


def test_a_folder_that_is_not_as_the_tutorial_says_is_still_gone_to(tmp_path: Path) -> None:
    for files in ([], ["demo/dj_local_conf.json", "demo/notebooks/dj_local_conf.json"]):
        (cell,) = converted(CHDIR, folder=folder_with(tmp_path, *files)).changed
        assert "os.chdir(" in cell.after


def test_spyglass_without_a_folder_is_a_note() -> None:
    conversion = converted(IMPORT + "dj.config.load('a.json')", "from spyglass import common")
    (cell,) = conversion.changed
    assert cell.after.endswith("%datajoint_connect --config a.json")
    assert "the file is not on this machine" in cell.notes[0]
    assert "add --spyglass BASE_DIR" in cell.notes[1]


@pytest.mark.parametrize("early", ["import spyglass.common as sgc", ""])
def test_spyglass_is_prepared_before_it_is_imported_or_not_at_all(
    early: str, tmp_path: Path
) -> None:
    folder = folder_with(tmp_path, "demo/notebooks/a.json")
    load = IMPORT + "dj.config.load('a.json')"
    (cell,) = converted(early, load, "import spyglass", folder=folder).changed
    assert cell.after.endswith("a.json" if early else "a.json --spyglass")
    (cell,) = converted("import spyglass\n" + load, folder=folder).changed
    assert cell.after.endswith("a.json")


@pytest.mark.parametrize(
    ("values", "options"),
    [
        ({"database.host": "localhost", "database.port": 3306, "database.user": "root"}, ""),
        ({"database.host": "db.lab", "database.port": 3309}, " --host db.lab --port 3309"),
        ({"database": {"host": "db.lab", "user": "ann"}}, " --host db.lab --user ann"),
    ],
)
def test_the_server_that_a_configuration_file_names_is_waited_for(
    values: dict[str, Any], options: str, tmp_path: Path
) -> None:
    (tmp_path / "a.json").write_text(json.dumps(values))
    conversion = converted(IMPORT + "dj.config.load('a.json')", folder=tmp_path)
    assert conversion.first == FIRST + options
    assert conversion.changed[0].notes == ()
    values["database.password"] = "hunter2"
    (tmp_path / "a.json").write_text(json.dumps(values))
    conversion = converted(IMPORT + "dj.config.load('a.json')", folder=tmp_path)
    assert "SIDECAR_MYSQL_PASSWORD" in conversion.changed[0].notes[0]
    assert "hunter2" not in str(conversion)


@pytest.mark.parametrize(
    "text",
    [
        "s = '''\n!mysql < b.sql\n'''",
        's = f"""a " \\"""\n!mysql < b.sql\n"""',
        "s = 'it' 's'  # '''\nt = (1\n  % 2)",
        "s = 1 \\\n  % 2",
        "s = 'a\\''\nt = {\n  (1,)\n  : 2 % 1}",
    ],
)
def test_the_rest_of_an_expression_is_no_line_of_ipythons(text: str) -> None:
    before, after = (
        f"{IMPORT}%matplotlib inline\n{text}\n",
        "dj.config['database.host'] = 'localhost'",
    )
    assert only(f"{before}!mysql -h 127.0.0.1 < a.sql\n{after}").startswith(before)


def test_a_tutorials_own_slips_are_no_warnings_of_ours() -> None:
    source = IMPORT + "dj.config['database.host'] = 'localhost'\nx = '\\d', 1if 1else 2"
    assert "%datajoint_connect\nx = '\\d'" in only(source)


def test_a_line_that_only_looks_like_ipythons_is_pythons() -> None:
    source = IMPORT + "dj.config['database.host'] = 'localhost'\nx = ('%s'\n  % 1)"
    assert only(source) == "import datajoint as dj\n%datajoint_connect\nx = ('%s'\n  % 1)"


def test_a_file_of_another_machine_is_looked_for_near_the_notebook(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "demo/data/prepopulate.sql", "prepopulate.sql")
    assert only(PASTE, folder=folder) == "%mysql_load ../data/prepopulate.sql --once"
    (cell,) = converted(PASTE).changed
    assert cell.after == "%mysql_load /home/jovyan/spyglass-demo/data/prepopulate.sql --once"
    assert "put the file beside the notebook" in cell.notes[0]
    # A name alone is too little to know a file by, but in the notebook's own folder.
    (tmp_path / "demo" / "only.sql").touch()
    only_name = "%%bash\nmysql < /data/only.sql"
    assert converted(only_name, folder=folder).changed[0].after.startswith("%mysql_load /data/")
    (folder / "only.sql").touch()
    assert only(only_name, folder=folder) == "%mysql_load only.sql --once"
    # Where the folder is changed, before or later, the path begins where the kernel was started.
    for cells in (["import os\nos.chdir('..')", PASTE], [PASTE, "%cd .."]):
        (cell,) = converted(*cells, folder=folder).changed
        assert cell.after == "%mysql_load '{_dh[0]}/../data/prepopulate.sql' --once"
        assert "{_dh[0]} is the one that the kernel started in" in cell.notes[0]


def test_a_relative_path_means_the_same_when_all_cells_are_run_once_more(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "demo/dj_local_conf.json")
    load = IMPORT + "dj.config.load('a.json')"
    guarded = "import os\nif 'notebooks' in os.getcwd():\n    os.chdir('..')\nopen('x.csv')"
    conversion = converted("!mysql < ../data/x.sql", load, guarded, "!mysql < y.sql", folder=folder)
    assert [cell.after.splitlines()[-1] for cell in conversion.changed] == [
        "%mysql_load '{_dh[0]}/../data/x.sql' --once",
        "%datajoint_connect --config '{_dh[0]}/a.json'",
        "%mysql_load y.sql --once",
    ]
    for name in ("/data/x.sql", "~/x.sql"):
        assert "_dh" not in str(converted(f"!mysql < {name}", guarded))


# The file ------------------------------------------------------------------------------------


def test_cells_that_are_not_about_this_stay_as_they_are() -> None:
    text = {"cell_type": "markdown", "id": "m", "metadata": {}, "source": "# Tïtle", "kept": [1]}
    plain = {**code_cell("x = 1"), "source": "x = 1"}
    conversion = converted(text, plain, PASTE)
    cells = json.loads(conversion.text)["cells"]
    before = json.loads(text_of(text, plain, PASTE))["cells"]
    assert cells[:2] == before[:2]
    new, changed = cells[2:]
    assert new["id"] == "sidecar-magics"
    assert new["outputs"] == changed["outputs"] == []
    assert changed["execution_count"] is None
    assert (changed["id"], changed["metadata"]) == (before[2]["id"], {"tags": ["kept"]})
    # What is not of these cells is the same, byte for byte.
    old = text_of(text, plain, PASTE)
    assert conversion.text.startswith(old[: old.rindex('  {\n   "cell_type"')])
    assert conversion.text.endswith(old[old.rindex(" ],\n") :])


@pytest.mark.parametrize(
    "text",
    [
        text_of(PASTE).replace("\n", "\r\n"),
        json.dumps(json.loads(text_of(PASTE))),
        json.dumps(json.loads(text_of(PASTE)), indent=2),
        json.dumps(json.loads(text_of(PASTE)), indent="\t", ensure_ascii=False),
        text_of(PASTE).replace('"nbformat_minor": 5', '"nbformat_minor": 2'),
        text_of(PASTE, code_cell("1", id="sidecar-magics"), code_cell("2", id="sidecar-magics1")),
    ],
    ids=["crlf", "one line", "two spaces", "tabs", "without ids", "ids taken"],
)
def test_a_second_run_changes_nothing_and_the_layout_stays(text: str) -> None:
    once = convert(Notebook(Path("/nowhere/a.ipynb"), text)).text
    assert once != text
    again = convert(Notebook(Path("/nowhere/a.ipynb"), once))
    assert again.text == once
    assert again.changed == ()
    assert ("\r\n" in once) == ("\r\n" in text)
    assert once[:4] == text[:4]
    assert ("\\u00fc" in once) == ("\\u00fc" in text)
    cells = json.loads(once)["cells"]
    has_ids = json.loads(text)["nbformat_minor"] == 5
    assert ("id" in cells[0]) == has_ids
    ids = [cell["id"] for cell in cells if "id" in cell]
    assert len(ids) == len(set(ids))


def test_a_notebook_that_has_the_extension_gets_it_not_twice() -> None:
    conversion = converted("%load_ext sidecar_magics", PASTE)
    assert conversion.first is None
    assert len(sources(conversion)) == 2


def test_what_such_a_notebook_waits_for_is_what_the_others_are_for() -> None:
    other = "%%bash\nmysql -P 3307 < b.sql"
    conversion = converted(PASTE, other)
    assert [cell.number for cell in conversion.left] == [2]
    again = convert(Notebook(Path("/nowhere/a.ipynb"), conversion.text))
    assert again.text == conversion.text
    cells = [
        f"{IMPORT}import os\ndj.config['database.password'] = os.environ['{name}']"
        for name in ("LAB", "HOME")
    ]
    conversion = converted(*cells)
    assert [cell.number for cell in conversion.left] == [2]
    again = convert(Notebook(Path("/nowhere/a.ipynb"), conversion.text))
    assert again.text == conversion.text
    waits = "%load_ext sidecar_magics\nsidecar = %mysql_wait --port 3307 --timeout 60"
    assert [cell.number for cell in converted(waits, PASTE, other).changed] == [3]


SECRETS = [
    '%%bash\nmysql -p"hun\\"ter2" < a.sql  # hunter2',
    "%%bash\nmysql -e \"CREATE USER a IDENTIFIED BY 'hunter2'\"",
    "%%bash\nmysql -pswordfish < a.sql  # until May it was hunter2",
    "%%bash\n# the password is hunter2\nmysql -phunter2 < a.sql",
    "%%bash\nMYSQL_PWD='hun ter2' mysql --password=hunter2 < a.sql",
    "%%bash\nMYSQL_PWD=hunter2 mysql < a.sql",
    "%%bash\nmysql < a.sql -psword#hunter2",
    "%%bash\n  # mysql -phunter2 < old.sql\n  mysql -pswordfish < a.sql",
    "%%bash\nMYSQL_PWD=hunter2 mysqladmin ping",
    "%%bash\nuntil mysqladmin -phunter2 ping; do sleep 1; done\nmysql < a.sql",
    "!mysqladmin --password=hunter2 ping",
    "!mysql -pswordfish < a.sql\nx = 1\n!mysqladmin -phunter2 ping",
    "%%bash\nmysql -e \"CREATE USER a IDENTIFIED BY 'hunter2'\"",
    "%%bash\nmysql -e \"ALTER USER a IDENTIFIED WITH x\nBY 'hunter2'\"",
    "!docker run -e MYSQL_ROOT_PASSWORD=hunter2 -e MYSQL_PASSWORD=hunter2 mysql",
    "%%bash\nmysql <<EOF\nCREATE USER a IDENTIFIED BY 'hunter2'\nEOF",
    "import os\nos.environ['DJ_PASS'] = 'hunter2'",
    IMPORT + "dj.config.database.password = 'hunter2'",
    IMPORT + "dj.config['database.password'] = 'hunter2'",
    IMPORT + "dj.config['database.password'] = ('hun'\n  'ter2')  # or hunter2",
]


@pytest.mark.parametrize("source", SECRETS)
def test_a_password_is_in_nothing_that_is_shown(source: str) -> None:
    conversion = converted(source)
    assert conversion.changed
    for word in ("hunter2", "ter2", "'hun"):
        assert word not in str(conversion)
    assert ("********" in str(conversion)) or "(not shown" in str(conversion)


def test_a_password_of_ones_own_is_to_be_put_elsewhere() -> None:
    (own,) = converted("%%bash\nmysql -phunter2 < a.sql").changed
    assert "SIDECAR_MYSQL_PASSWORD" in own.notes[0]
    assert converted("%%bash\nmysql -ptutorial < a.sql").changed[0].notes == ()
    # The tutorial's own is sent to this machine only.
    for password in ("tutorial", "''"):
        source = f"%%bash\nmysql -h db.lab --password={password} < a.sql"
        (elsewhere,) = converted(source).changed
        assert "SIDECAR_MYSQL_PASSWORD" in elsewhere.notes[0]
    source = "dj.config['database.host'] = 'db.lab'\ndj.config['database.password'] = 'tutorial'"
    (elsewhere,) = converted(IMPORT + source).changed
    assert "SIDECAR_MYSQL_PASSWORD" in elsewhere.notes[0]
    (here,) = converted(IMPORT + source.replace("db.lab", "127.0.0.1")).changed
    assert here.notes == ()


def test_what_is_shown_is_the_difference() -> None:
    conversion = converted("# before", PASTE, "%%bash\nmysql -e 'SELECT 1; SELECT 2'")
    assert str(conversion).splitlines() == [
        "/nowhere/tutorial.ipynb: 1 cell converted, 1 left",
        "  a new cell before cell 2",
        "    + %load_ext sidecar_magics",
        "    + %mysql_wait",
        "  cell 2 loads a file with %mysql_load",
        "    - %%bash",
        "    - mysql -h 127.0.0.1 -u root --password=******** \\",
        "    -   < /home/jovyan/spyglass-demo/data/prepopulate.sql",
        "    + %mysql_load /home/jovyan/spyglass-demo/data/prepopulate.sql --once",
        "    note: this machine has no such file: put the file beside the notebook, or into a "
        "folder there, and write its path from the notebook's folder: prepopulate.sql",
        "  cell 3, left as it is: several statements show rows: give each a cell of its own.",
    ]
    assert isinstance(conversion.cells[0], Changed)


# The command ---------------------------------------------------------------------------------


def test_nothing_is_written_unless_it_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.ipynb"
    file.write_text(text_of(PASTE), encoding="utf-8")
    assert main(["convert", str(file)]) == 0
    assert "add --write" in capsys.readouterr().out
    assert file.read_text(encoding="utf-8") == text_of(PASTE)
    assert list(tmp_path.iterdir()) == [file]


def test_written_in_place_the_old_one_is_kept_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, backup = tmp_path / "a.ipynb", tmp_path / "a.ipynb.bak"
    file.write_text(text_of(PASTE), encoding="utf-8")
    file.chmod(0o640)
    assert main(["convert", "--write", str(file)]) == 0
    assert "the original is in a.ipynb.bak" in capsys.readouterr().out
    assert backup.read_text(encoding="utf-8") == text_of(PASTE)
    assert "%mysql_load" in file.read_text(encoding="utf-8")
    assert file.stat().st_mode & 0o777 == backup.stat().st_mode & 0o777 == 0o640
    assert main(["convert", "--write", str(file)]) == 0
    assert "Nothing was written." in capsys.readouterr().out
    assert sorted(tmp_path.iterdir()) == [file, backup]


def test_written_elsewhere_the_notebook_stays(tmp_path: Path) -> None:
    file, output = tmp_path / "a.ipynb", tmp_path / "b.ipynb"
    file.write_text(text_of(PASTE), encoding="utf-8")
    output.write_text("kept")
    assert main(["convert", str(file), "--output", str(output)]) == 0
    assert file.read_text(encoding="utf-8") == text_of(PASTE)
    assert "%mysql_load" in output.read_text(encoding="utf-8")
    assert (tmp_path / "b.ipynb.bak").read_text() == "kept"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be read"),
        ("s3cret", "is not a notebook"),
        ("[]", "is not a notebook"),
        ('{"nbformat": 4, "cells": [{"cell_type": "code"}]}', "is not a notebook"),
        ('{"nbformat": 3, "worksheets": []}', "format 3"),
        ("\ufeff" + text_of("x"), "is not a notebook"),
        ('{"nbformat": 4, "cells": ' + "[" * 100_000, "is not a notebook"),
    ],
)
def test_what_is_no_notebook_is_told(
    text: str | None, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.ipynb"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    assert main(["convert", "--write", str(file)]) == 1
    shown = capsys.readouterr().err
    assert words in shown
    assert "s3cret" not in shown
    assert main(["convert", "--write", "--output", "x", str(file)]) == 1


def test_one_bad_file_does_not_keep_the_others_from_being_converted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [str(tmp_path / name) for name in ("a.ipynb", "bad.ipynb", "missing.ipynb", "z.ipynb")]
    for name in (names[0], names[3]):
        Path(name).write_text(text_of(PASTE), encoding="utf-8")
    Path(names[1]).write_text("<<<<<<< HEAD")
    assert main(["convert", "--write", *names]) == 1
    shown = capsys.readouterr()
    assert "bad.ipynb is not a notebook" in shown.err
    assert "missing.ipynb cannot be read" in shown.err
    assert "2 of 4 notebooks could not be converted." in shown.err
    for name in (names[0], names[3]):
        assert "%mysql_load" in Path(name).read_text(encoding="utf-8")
    assert main(["convert", names[0], names[3]]) == 0


def test_half_a_character_in_an_output_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "a.ipynb"
    file.write_text(text_of("x", PASTE).replace('"old\\n"', '"\\ud83d ü"'), encoding="utf-8")
    assert main(["convert", "--write", str(file)]) == 0
    cell = json.loads(file.read_text(encoding="utf-8"))["cells"][0]
    assert cell["outputs"][0]["text"] == ["\ud83d ü"]


@pytest.mark.parametrize("kind", ["folder", "socket", "link to itself"])
def test_what_is_no_file_is_not_replaced(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, output = tmp_path / "a.ipynb", tmp_path / "b.ipynb"
    file.write_text(text_of(PASTE), encoding="utf-8")
    if kind == "folder":
        output.mkdir()
    elif kind == "socket":
        os.mknod(output, stat.S_IFSOCK | 0o600)
    else:
        output.symlink_to(output)
    before = output.lstat()
    assert main(["convert", str(file), "--output", str(output)]) == 1
    assert "b.ipynb cannot be written" in capsys.readouterr().err
    assert (output.lstat().st_mode, output.lstat().st_ino) == (before.st_mode, before.st_ino)
    assert sorted(tmp_path.iterdir()) == [file, output]


def test_the_notebook_itself_by_another_name_is_not_written_without_need(tmp_path: Path) -> None:
    file, link = tmp_path / "a.ipynb", tmp_path / "b.ipynb"
    file.write_text(text_of("x"), encoding="utf-8")
    link.symlink_to(file)
    assert main(["convert", str(file), "--output", str(link)]) == 0
    assert sorted(tmp_path.iterdir()) == [file, link]


def test_a_link_goes_on_being_one_and_line_ends_stay(tmp_path: Path) -> None:
    file, link = tmp_path / "a.ipynb", tmp_path / "b.ipynb"
    file.write_bytes(text_of(PASTE).replace("\n", "\r\n").encode())
    link.symlink_to(file)
    assert main(["convert", "--write", str(link)]) == 0
    assert link.is_symlink()
    written = file.read_bytes()
    assert b"%mysql_load" in written
    assert written.count(b"\n") == written.count(b"\r\n")


def test_a_folder_that_cannot_be_written_to_leaves_all_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.ipynb"
    file.write_text(text_of(PASTE), encoding="utf-8")
    assert main(["convert", str(file), "--output", str(tmp_path / "no" / "b.ipynb")]) == 1
    assert "cannot be written" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [file]
