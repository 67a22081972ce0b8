from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from sidecar_magics.load.planning.planner import (
    LARGE_STATEMENT_BYTES,
    TASK_BYTES,
    TASK_STATEMENTS,
    Planner,
    Server,
)
from sidecar_magics.load.planning.tables import TableFacts
from sidecar_magics.load.planning.tasks import Step, Task, TaskKind, schema_key, table_key
from sidecar_magics.load.sources.opening import Source
from sidecar_magics.script.session import Session
from sidecar_magics.script.splitter import Statement, split

MYSQL, MARIADB = Server("mysql", 80036), Server("mariadb", 101106)
OFF = "SET foreign_key_checks = 0;"
LARGE = "INSERT INTO t VALUES (1,'" + "x" * LARGE_STATEMENT_BYTES + "');"


class Plan:
    """A script's tasks, and the planner that made them."""

    def __init__(self, script: str, **how: Any) -> None:
        how.setdefault("lookup", None)
        self.planner = Planner(how.pop("server", MYSQL), **how)
        self.tasks: list[Task] = []
        self.add(script)

    def add(self, script: str) -> None:
        """Plan a further script in the same session."""
        data = script.encode()
        source = Source("s.sql", io.BytesIO(data), size_bytes=len(data), folder=Path())
        delimiter = b";"
        for item in split([data]):
            if isinstance(item, Statement):
                made = self.planner.statement(Step(item, source, item.sql), delimiter=delimiter)
                self.tasks.extend(made)
            elif item.name == "use":
                self.tasks.extend(self.planner.use(item.argument, Step(item, source, b"USE x")))
            elif item.name == "delimiter":
                delimiter = item.argument
        self.tasks.extend(self.planner.finish())

    @property
    def kinds(self) -> str:
        """The first letters of the kinds: Rows, deFinition, Indexes, Data, Barrier."""
        letters = {TaskKind.DEFINITION: "f"}
        return "".join(letters.get(task.kind, task.kind.value[0]) for task in self.tasks)

    def only(self, kind: TaskKind) -> Task:
        """Return the only task of a kind."""
        (task,) = (task for task in self.tasks if task.kind is kind)
        return task

    @property
    def rows(self) -> Task:
        """The only task of rows."""
        return self.only(TaskKind.ROWS)


def conflict(one: Task, other: Task) -> bool:
    """Return whether two tasks may not run at the same time, by what they touch."""
    meet = one.writes & (other.reads | other.writes) or other.writes & one.reads
    same_table = one.table is not None and other.table is not None
    return bool(
        one.is_barrier
        or other.is_barrier
        or meet
        or (same_table and one.table.key == other.table.key)  # type: ignore[union-attr]
    )


MYSQLDUMP = """\
/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!50503 SET NAMES utf8mb4 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
CREATE DATABASE /*!32312 IF NOT EXISTS*/ `lab` /*!40100 DEFAULT CHARACTER SET utf8mb4 */;
USE `lab`;
DROP TABLE IF EXISTS `a`;
/*!50503 SET character_set_client = utf8mb4 */;
CREATE TABLE `a` (`id` int NOT NULL AUTO_INCREMENT, PRIMARY KEY (`id`)) ENGINE=InnoDB;
LOCK TABLES `a` WRITE;
/*!40000 ALTER TABLE `a` DISABLE KEYS */;
INSERT INTO `a` VALUES (1),(2);
INSERT INTO `a` VALUES (3),(4);
/*!40000 ALTER TABLE `a` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `b`;
CREATE TABLE `b` (`id` int, CONSTRAINT c FOREIGN KEY (`id`) REFERENCES `a` (`id`)) ENGINE=InnoDB;
LOCK TABLES `b` WRITE;
/*!40000 ALTER TABLE `b` DISABLE KEYS */;
INSERT INTO `b` VALUES (1),(2);
/*!40000 ALTER TABLE `b` ENABLE KEYS */;
UNLOCK TABLES;
/*!50003 CREATE*/ /*!50017 DEFINER=`x`@`%`*/ /*!50003 TRIGGER tr BEFORE INSERT ON b FOR EACH ROW
SET NEW.id = 1 */;
/*!50001 CREATE VIEW `v` AS SELECT 1 */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
"""


@pytest.mark.parametrize(
    ("first", "between", "second"),
    [
        ("DROP TABLE IF EXISTS a", "SET sql_mode = ''", "CREATE TABLE a (i INT)"),
        ("DROP TABLE IF EXISTS a", "USE other", "CREATE TABLE a (i INT)"),
        ("DROP TABLE IF EXISTS a", "INSERT INTO b VALUES (1)", "CREATE TABLE a (i INT)"),
        ("DROP TABLE IF EXISTS `ä`", "SET NAMES latin1", "CREATE TABLE `ä` (i INT)"),
        ("DROP TABLE IF EXISTS a", "", "CREATE TABLE b (i INT)"),
        ("DROP TABLE IF EXISTS a", "", "ALTER TABLE a ADD j INT"),
        ("DROP TABLE a", "", "CREATE TABLE a (i INT)"),
    ],
)
def test_a_drop_of_its_own(first: str, between: str, second: str) -> None:
    script = f"SET foreign_key_checks = 0; USE s; {first}; {between}; {second};"
    steps = [[step.sql for step in task.steps] for task in Plan(script).tasks]
    assert [first.encode()] in steps
    assert [second.encode()] in steps


@pytest.mark.parametrize("server", [MYSQL, MARIADB])
def test_mysqldump(server: Server) -> None:
    plan = Plan(MYSQLDUMP, server=server)
    assert plan.kinds == "fffrfrfb"
    assert not plan.planner.in_order
    _, _, create_a, rows_a, create_b, rows_b, trigger, _ = plan.tasks
    assert [len(create.steps) for create in (create_a, create_b)] == [2, 2]  # dropped before
    assert [len(rows_a.steps), len(rows_b.steps)] == [2, 1]
    assert all(task.any_order and not task.writes for task in (rows_a, rows_b))
    assert not conflict(rows_a, rows_b)
    assert conflict(create_b, rows_b)
    assert conflict(trigger, rows_b)
    assert table_key(b"lab", b"a") in create_b.reads
    assert conflict(create_a, create_b)
    assert not any(task.in_transaction for task in plan.tasks)
    assert rows_a.session is not None
    assert rows_a.session.is_off("foreign_key_checks")
    assert rows_a.session.schema == b"lab"
    assert plan.tasks[0].writes == {schema_key(b"lab")}


def test_phpmyadmin() -> None:
    plan = Plan(
        'SET SQL_MODE = "NO_AUTO_VALUE_ON_ZERO";\nSTART TRANSACTION;\nSET time_zone = "+00:00";\n'
        "USE lab; CREATE TABLE `t` (`id` int NOT NULL, `b` text) ENGINE=InnoDB;\n"
        "INSERT INTO `t` (`id`, `b`) VALUES\n(1, 'x'),\n(2, 'y');\n"
        "ALTER TABLE `t` ADD PRIMARY KEY (`id`);\n"
        "ALTER TABLE `t` MODIFY `id` int NOT NULL AUTO_INCREMENT, AUTO_INCREMENT=3;\nCOMMIT;\n"
    )
    begin, _use, commit, create, rows, add, modify, end = plan.tasks
    assert plan.kinds == "bfbfrffb"
    assert commit.steps[0].sql == b"COMMIT"  # CREATE TABLE would do it
    assert begin.in_transaction
    assert commit.in_transaction
    assert not create.in_transaction
    assert rows.any_order
    assert conflict(rows, add)
    assert conflict(add, modify)
    assert end.steps[0].sql == b"COMMIT"
    assert not plan.planner.in_order


@pytest.mark.parametrize(
    ("columns", "insert", "any_order"),
    [
        ("a int", "INSERT INTO t VALUES (1)", True),
        ("a int", "REPLACE INTO t VALUES (1)", False),
        ("a int", "INSERT IGNORE INTO t VALUES (1)", False),
        ("id int AUTO_INCREMENT, b int", "INSERT INTO t VALUES (1,2),(2,3)", True),
        ("id int AUTO_INCREMENT, b int", "INSERT INTO t VALUES (1,2),(0,3)", None),
        ("id int AUTO_INCREMENT, b int", "INSERT INTO t VALUES (1,2),(NULL,3)", None),
        ("id int AUTO_INCREMENT, b int", "INSERT INTO t VALUES (1,2),(DEFAULT,3)", None),
        ("id int AUTO_INCREMENT, b int", "INSERT INTO t (id,b) VALUES (1,2)", True),
        ("id int AUTO_INCREMENT, b int", "INSERT INTO t ( `id` , b) VALUES (1,2)", True),
        ("id int AUTO_INCREMENT, b int", "INSERT INTO t (b,id) VALUES (1,2)", None),
        ("id int AUTO_INCREMENT, b int", "INSERT INTO t (b) VALUES (1)", None),
        ("id int AUTO_INCREMENT, b int", "INSERT INTO t () VALUES ()", None),
        ("b int, id int AUTO_INCREMENT", "INSERT INTO t VALUES (1,2)", None),
        ("id SERIAL, b int", "INSERT INTO t (b) VALUES (1)", None),
        ("a int REFERENCES u(a)", "INSERT INTO t VALUES (1)", True),
    ],
)
@pytest.mark.parametrize("is_dump", [False, True])  # a heading makes no difference
def test_whether_the_order_of_rows_matters(
    columns: str, insert: str, any_order: bool | None, is_dump: bool
) -> None:
    plan = Plan(f"{OFF} USE s; CREATE TABLE t ({columns}); {insert};", is_dump=is_dump)
    if any_order is None:  # the server numbers them: what follows may ask for LAST_INSERT_ID()
        assert plan.kinds == "ffd"
        return
    assert plan.rows.any_order is any_order
    assert plan.rows.writes == set()


NO_ZERO = "SET sql_mode='NO_AUTO_VALUE_ON_ZERO';"


@pytest.mark.parametrize(
    ("columns", "insert", "kind"),
    [
        ("id int AUTO_INCREMENT, b int", "INSERT INTO t VALUES (0,1),(-3,2)", "r"),
        ("id int AUTO_INCREMENT, b int", "INSERT INTO t VALUES (0,1),(NULL,2)", "d"),
        ("b int, id int AUTO_INCREMENT", "INSERT INTO t VALUES (1,0),(2,7)", "r"),
        ("b int, id int AUTO_INCREMENT", "INSERT INTO t VALUES (1,0),(2,null)", "d"),
        ("b int, id int AUTO_INCREMENT", "INSERT INTO t VALUES (1,Default)", "d"),
        ("b int, id int AUTO_INCREMENT", "INSERT INTO t (b) VALUES (1)", "d"),
    ],
)
def test_rows_with_numbers_of_their_own_as_dump_tools_write_them(
    columns: str, insert: str, kind: str
) -> None:
    plan = Plan(f"{OFF} {NO_ZERO} USE s; CREATE TABLE t ({columns}); {insert};")
    assert plan.kinds == "ff" + kind
    without = Plan(f"{OFF} USE s; CREATE TABLE t ({columns}); {insert};")
    assert without.kinds == "ffd"


@pytest.mark.parametrize(
    ("insert", "kinds"),
    [
        ("INSERT INTO t VALUES (1)", "ffb"),
        ("START TRANSACTION; INSERT INTO t VALUES (1)", "ffbb"),
    ],
)
def test_rows_that_cannot_be_undone_are_never_part_of_a_batch(insert: str, kinds: str) -> None:
    plan = Plan(f"{OFF} USE s; CREATE TABLE t (a int) ENGINE=MyISAM; {insert};")
    assert plan.kinds == kinds
    assert not plan.tasks[-1].repeatable
    assert plan.planner.in_order is ("TRANSACTION" in insert)


def test_batches_on_mariadb_check_what_is_unique() -> None:
    script = (
        f"{OFF} SET unique_checks=0; USE s; CREATE TABLE t (a int); INSERT INTO t VALUES (1);"
        "SELECT @@unique_checks;"
    )
    plan = Plan(script, server=MARIADB)
    sessions = [task.session.text("unique_checks") for task in plan.tasks if task.session]
    assert sessions == ["1", "1", "1", "0"]  # what asks for it gets the script's own
    plan = Plan(script)
    assert {task.session.text("unique_checks") for task in plan.tasks if task.session} == {"0"}


# SETs that the server does not take --------------------------------------------------------------


def test_a_set_is_tried_once_for_each_value_and_left_out_if_it_is_refused() -> None:
    tried: list[tuple[bytes, bool]] = []

    def takes(step: Step, before: Session, sql: bytes, *, settled: bool) -> bool:
        del step, before
        tried.append((sql, settled))
        return b"nosuch" not in sql

    plan = Plan("", takes=takes)
    plan.add("USE s; CREATE TABLE t (a int); INSERT INTO t VALUES (1); SET sql_mode='';")
    plan.add("SET sql_mode='nosuch';")
    assert plan.kinds == "ffr"
    assert tried == [
        (b"SET sql_mode=''", False),
        (b"SET sql_mode='nosuch'", False),
        (b"SET sql_mode='nosuch'", True),
    ]
    assert plan.planner.session.text("sql_mode") == ""
    assert plan.planner.absorbed == 1


@pytest.mark.parametrize(
    ("before", "checks", "checked"),
    [
        ("", True, True),
        ("", False, False),
        ("SET foreign_key_checks=0;", True, False),
        ("SET foreign_key_checks=1;", False, True),
        ("SET foreign_key_checks=0; SET foreign_key_checks=1;", True, True),
        (
            "SET @o=@@foreign_key_checks, foreign_key_checks=0; SET foreign_key_checks=@o;",
            True,
            True,
        ),
        (
            "SET @o=@@foreign_key_checks, foreign_key_checks=0; SET foreign_key_checks=@o;",
            False,
            False,
        ),
    ],
)
def test_checked_foreign_keys(before: str, checks: bool, checked: bool) -> None:
    script = "USE s; CREATE TABLE t (a int REFERENCES u(a)); INSERT INTO t VALUES (1);"
    plan = Plan(before + script, checks_foreign_keys=checks)
    assert bool(plan.rows.writes) is checked
    assert plan.rows.any_order is not checked


def test_rows_with_checked_foreign_keys_come_behind_those_that_they_refer_to() -> None:
    plan = Plan(
        "USE s; CREATE TABLE p (a int primary key);"
        "CREATE TABLE c (a int, FOREIGN KEY (a) REFERENCES p (a));"
        "INSERT INTO p VALUES (1); INSERT INTO c VALUES (1);"
    )
    one, other = (task for task in plan.tasks if task.kind is TaskKind.ROWS)
    assert conflict(one, other)


def test_the_same_where_foreign_keys_are_checked_only_later() -> None:
    plan = Plan(
        OFF + "USE s; CREATE TABLE p (a int primary key);"
        "CREATE TABLE c (a int, FOREIGN KEY (a) REFERENCES p (a)); INSERT INTO p VALUES (1);"
        "SET foreign_key_checks=1; INSERT INTO c VALUES (1);"
    )
    one, other = (task for task in plan.tasks if task.kind is TaskKind.ROWS)
    assert conflict(one, other)


def test_the_tables_that_the_server_locks() -> None:
    plan = Plan(
        OFF + "USE s; CREATE TABLE child (p INT, FOREIGN KEY (p) REFERENCES t (a));"
        "CREATE TABLE sister (p INT, FOREIGN KEY (p) REFERENCES t (a));"
        "CREATE TABLE t (a INT PRIMARY KEY, KEY (b), b INT);" + LARGE
    )
    child, sister, t = (table_key(b"s", name) for name in (b"child", b"sister", b"t"))
    definitions = [task.locks for task in plan.tasks if task.kind is TaskKind.DEFINITION]
    assert definitions[-3:] == [{child, t}, {sister, t}, {t, child, sister}]
    assert plan.rows.locks == plan.only(TaskKind.INDEXES).locks == {t}


def test_rows_behind_a_trigger_run_in_order() -> None:
    plan = Plan(
        "USE s; CREATE TABLE t (a int); CREATE TRIGGER tr AFTER INSERT ON t FOR EACH ROW"
        " INSERT INTO u VALUES (1); INSERT INTO t VALUES (1);"
    )
    assert plan.kinds == "fffd"


FOLDING = Server("mariadb", 101106, folds_case=True)
WATCHED = (
    "USE Lab; CREATE TABLE T (i INT PRIMARY KEY);"
    "CREATE TRIGGER r AFTER INSERT ON t FOR EACH ROW SET @n = @n + 1;"
)
DROPPED = (
    OFF + "USE Lab; CREATE TABLE T (i INT PRIMARY KEY) ENGINE=InnoDB;"
    "DROP TABLE lab.t; CREATE TABLE t (i INT) ENGINE=MyISAM;"
)


@pytest.mark.parametrize("script", [WATCHED, DROPPED], ids=["watched", "dropped"])
def test_spellings_that_a_server_takes_for_one_table_are_one_table(script: str) -> None:
    plan = Plan(script + "INSERT INTO T VALUES (1);", server=FOLDING)
    assert "r" not in plan.kinds


@pytest.mark.parametrize(
    ("before", "engine", "server", "kind"),
    [
        ("", "", MYSQL, "r"),
        ("", "", Server("mysql", 80036, default_engine="MyISAM"), "b"),
        ("", " ENGINE=InnoDB", Server("mysql", 80036, default_engine="MyISAM"), "r"),
        ("SET default_storage_engine = MyISAM;", "", MYSQL, "b"),
        ("SET default_storage_engine = 'innodb';", "", MYSQL, "r"),
        ("SET default_storage_engine = MyISAM;", " ENGINE=InnoDB", MYSQL, "r"),
        ("SET @@session.storage_engine = MEMORY;", "", MARIADB, "b"),
        (
            "SET @old = @@default_storage_engine; SET default_storage_engine = MyISAM;"
            "SET default_storage_engine = @old;",
            "",
            MYSQL,
            "r",
        ),
    ],
)
def test_a_table_without_an_engine_has_the_default_one(
    before: str, engine: str, server: Server, kind: str
) -> None:
    table = f"USE s; CREATE TABLE t (i INT PRIMARY KEY){engine};"
    plan = Plan(before + table + "INSERT INTO t VALUES (1);", server=server)
    assert plan.kinds[-1] == kind


def test_a_schema_is_left_by_any_spelling_that_the_server_takes() -> None:
    plan = Plan("USE Lab; DROP DATABASE lab;", server=FOLDING)
    assert plan.planner.session.schema is None
    assert Plan("USE Lab; DROP DATABASE lab;", server=MARIADB).planner.session.schema == b"Lab"


def test_rows_behind_a_dropped_trigger_are_not_known() -> None:
    plan = Plan("USE s; CREATE TABLE t (a int); DROP TRIGGER x; INSERT INTO t VALUES (1);")
    assert plan.kinds == "ffbd"


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("INSERT INTO t VALUES (f())", "d"),
        ("INSERT INTO t SELECT 1", "d"),
        ("INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a=2", "d"),
        ("UPDATE t SET a=1", "d"),
        ("DELETE FROM t", "d"),
        ("LOAD DATA INFILE 'x' INTO TABLE t", "d"),
        ("INSERT INTO unknown VALUES (1)", "d"),
        ("INSERT INTO other.t VALUES (1)", "d"),
        ("TRUNCATE t", "b"),
        ("RENAME TABLE t TO u", "b"),
        ("DROP TABLE t, u", "b"),
        ("CREATE TABLE u LIKE t", "b"),
        ("CREATE TABLE u AS SELECT 1", "b"),
        ("CREATE VIEW v AS SELECT 1", "b"),
        ("CREATE PROCEDURE p() SELECT 1", "b"),
        ("CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1", "b"),
        ("CREATE USER u", "b"),
        ("GRANT SELECT ON s.* TO u", "b"),
        ("ALTER TABLE t DROP COLUMN a", "b"),
        ("ALTER TABLE t ADD b int FIRST", "b"),
        ("ALTER TABLE t RENAME TO u", "b"),
        ("ALTER DATABASE s CHARACTER SET latin1", "f"),
        ("SET GLOBAL max_connections=5", "b"),
        ("SELECT 1", "b"),
        ("SHOW WARNINGS", "b"),
        ("/*!99999 WHATEVER */", "b"),
        ("ALTER TABLE t ADD b int", "f"),
        ("CREATE INDEX i ON t (a)", "b"),
        ("SET a=1", ""),
        ("/*!99999 SET a=now() */", ""),
        ("USE s", ""),
        ("USE other", "f"),
    ],
)
def test_what_leaves_the_session_as_it_is(statement: str, kind: str) -> None:
    plan = Plan(f"USE s; CREATE TABLE t (a int); {statement}; SET x=1;")
    assert plan.kinds == "ff" + kind
    assert not plan.planner.in_order


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("SET a=now()", "SET"),
        ("SET autocommit=0, a=1", "SET"),
        ("LOCK TABLES t WRITE; SET autocommit=0", "SET"),
        ("SET autocommit=0; LOCK TABLES t WRITE", "LOCK"),
        ("SET insert_id=5", "SET"),
        ("SET GLOBAL time_zone='+05:00'", "SET"),  # lanes that connect later would begin with it
        ("CREATE TEMPORARY TABLE x (a int)", "temporary"),
        ("DROP TEMPORARY TABLE x", "temporary"),
        ("LOCK TABLES t READ", "LOCK"),
        ("LOCK TABLES t WRITE, u WRITE", "LOCK"),
        ("LOCK TABLES t AS x WRITE", "LOCK"),
        ("UNLOCK TABLES", "LOCK"),
        ("START TRANSACTION; LOCK TABLES t WRITE", "LOCK"),
        ("SAVEPOINT a", "transactions"),
        ("SET TRANSACTION READ ONLY", "transactions"),
        ("CALL p()", "unknown"),
        ("SELECT GET_LOCK('a', 1)", "unknown"),
        ("SELECT 1 INTO @a", "unknown"),
        ("SELECT @a:=1", "unknown"),
        ("DO 1", "unknown"),
        ("PREPARE p FROM 'SELECT 1'", "unknown"),
        ("HANDLER t OPEN", "unknown"),
        ("WHATEVER", "unknown"),
        ("INSERT INTO t SELECT @a:=1", "variable"),
        ("UPDATE t SET a=(@a:=@a+1)", "variable"),
        ("SET ROLE r", "SET"),
    ],
)
def test_what_makes_the_rest_run_in_order(statement: str, why: str) -> None:
    plan = Plan(f"USE s; CREATE TABLE t (a int);\n{statement};\nINSERT INTO t VALUES (1);")
    assert plan.planner.in_order
    assert why in (plan.planner.why_in_order or "")
    assert (plan.planner.why_in_order or "").startswith("s.sql:2:")
    last, rows = plan.tasks[-2:]
    assert not last.repeatable
    assert rows.kind is TaskKind.DATA
    assert rows.session is None
    assert rows.in_transaction


def test_in_order_everything_is_a_barrier() -> None:
    plan = Plan(
        "SET a=now(); USE s; CREATE TABLE t (a int); INSERT INTO t VALUES (1);"
        "INSERT INTO t VALUES (2); SET b=1; INSERT INTO t VALUES (3);"
    )
    assert plan.kinds == "bbbdbd"
    assert [len(task.steps) for task in plan.tasks] == [1, 1, 1, 2, 1, 1]
    assert all(task.in_transaction and task.session is None for task in plan.tasks[1:])


def test_a_new_session_ends_the_order() -> None:
    plan = Plan("CREATE TABLE s.t (a int); SET a=now();")
    plan.tasks += plan.planner.begin_session(b"s")
    assert not plan.planner.in_order
    plan.add("INSERT INTO t VALUES (1);")
    assert plan.tasks[-1].kind is TaskKind.ROWS
    assert plan.tasks[-1].session is not None
    assert plan.tasks[-1].session.schema == b"s"


@pytest.mark.parametrize(
    ("script", "absorbed"),
    [
        ("LOCK TABLES t WRITE; INSERT INTO t VALUES (1); UNLOCK TABLES;", 2),
        ("LOCK TABLE `s`.`t` WRITE; UNLOCK TABLE;", 2),
        ("lock tables t write; unlock tables;", 2),
        ("ALTER TABLE t DISABLE KEYS; ALTER TABLE t ENABLE KEYS;", 2),
        ("SET a=1; /*!99999 SET b=now() */;", 2),
    ],
)
def test_what_is_left_out(script: str, absorbed: int) -> None:
    plan = Plan("USE s; CREATE TABLE t (a int);" + script)
    assert plan.planner.absorbed == absorbed
    assert not plan.planner.in_order
    assert set(plan.kinds[2:]) <= {"r"}


def test_a_second_unlock_is_not_left_out() -> None:
    plan = Plan("LOCK TABLES s.t WRITE; UNLOCK TABLES; UNLOCK TABLES;")
    assert plan.planner.in_order


@pytest.mark.parametrize(("is_dump", "in_order"), [(True, False), (False, True)])
def test_autocommit_of_a_dump_is_left_out(is_dump: bool, in_order: bool) -> None:
    script = (
        "USE s; CREATE TABLE t (a int); SET @OLD_AUTOCOMMIT=@@AUTOCOMMIT, @@AUTOCOMMIT=0;"
        "INSERT INTO t VALUES (1); COMMIT; SET AUTOCOMMIT=@OLD_AUTOCOMMIT;"
    )
    plan = Plan(script, is_dump=is_dump)
    assert plan.planner.in_order is in_order
    assert plan.kinds == ("ffr" if is_dump else "ffbdbb")


def sent(plan: Plan) -> list[str]:
    return [step.sql.decode()[:16] for task in plan.tasks for step in task.steps if step.sql]


def test_transactions_of_a_script_without_autocommit_are_begun_in_so_many_words() -> None:
    row = "INSERT INTO t VALUES (1);"
    plan = Plan(
        "USE s; CREATE TABLE t (a int); SET @@session.autocommit = OFF;"
        f"{row}{row}COMMIT;{row}CREATE TABLE u (a int);{row}ROLLBACK; {row}SET autocommit = 1;{row}"
    )
    begin, insert, commit = "START TRANSACTIO", "INSERT INTO t VA", "COMMIT"
    assert sent(plan) == [
        "CREATE TABLE t (",
        *(begin, insert, insert, commit),
        *(begin, insert, commit, "CREATE TABLE u ("),
        *(begin, insert, "ROLLBACK"),
        *(begin, insert, commit),
        insert,
    ]
    assert plan.tasks[-1].kind is TaskKind.ROWS
    assert not plan.planner.in_order


def test_what_is_not_followed_runs_without_autocommit_where_the_script_does() -> None:
    plan = Plan("USE s; CREATE TABLE t (a int); SET autocommit = 0; CALL p(); COMMIT;")
    assert sent(plan) == ["CREATE TABLE t (", "SET autocommit =", "CALL p()", "COMMIT"]
    assert plan.planner.in_order
    # What is noted before the CALL must not be part of the script's transaction.
    assert [task.session is None for task in plan.tasks[-3:]] == [False, True, True]


def test_rows_within_a_transaction_run_in_order() -> None:
    plan = Plan("USE s; CREATE TABLE t (a int); BEGIN; INSERT INTO t VALUES (1); ROLLBACK;")
    assert plan.kinds == "ffbdb"
    assert [task.in_transaction for task in plan.tasks] == [False, False, True, True, True]
    plan.add("INSERT INTO t VALUES (1);")
    assert plan.tasks[-1].kind is TaskKind.ROWS


def test_what_stands_before_a_transaction_is_no_part_of_it() -> None:
    plan = Plan("USE s; CREATE TABLE t (a int);" + LARGE + "BEGIN;")
    assert plan.kinds == "ffrib"
    assert [task.in_transaction for task in plan.tasks] == [False] * 4 + [True]


def test_several_statements_under_one_delimiter() -> None:
    plan = Plan("DELIMITER //\nINSERT INTO s.t VALUES (1); DROP TABLE s.t//\nSELECT 1//")
    assert "one delimiter" in (plan.planner.why_in_order or "")
    assert plan.kinds == "bb"


def test_a_body_under_a_delimiter_is_one_statement() -> None:
    plan = Plan(
        "USE s;\nDELIMITER //\nCREATE PROCEDURE p() BEGIN SELECT 1; END//\n"
        "CREATE TRIGGER tr AFTER INSERT ON t FOR EACH ROW BEGIN SET @a=1; END//\n"
        "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO BEGIN SELECT 1; END//\nDELIMITER ;"
    )
    assert plan.kinds == "fbfb"
    assert not plan.planner.in_order


def test_shared_tasks_end_at_their_limits() -> None:
    begin = "USE s; CREATE TABLE t (a text);"
    plan = Plan(begin + "INSERT INTO t VALUES (1);" * (2 * TASK_STATEMENTS + 1))
    assert [len(task.steps) for task in plan.tasks[2:]] == [TASK_STATEMENTS] * 2 + [1]
    half = "INSERT INTO t VALUES ('" + "x" * (TASK_BYTES // 2 - 26) + "');"
    plan = Plan(begin + half * 5)
    assert [len(task.steps) for task in plan.tasks[2:]] == [2, 2, 1]
    assert all(task.size_bytes <= TASK_BYTES for task in plan.tasks)


@pytest.mark.parametrize(
    "between",
    [
        "INSERT INTO u VALUES (1);",
        "REPLACE INTO t VALUES (1);",
        "UPDATE t SET a=1;",
        "SET a=1;",
        "ALTER TABLE t ADD b int;",
        "SELECT 1;",
        "LOCK TABLES t WRITE;",
        "USE other;",
    ],
)
def test_shared_tasks_end_where_something_comes_between(between: str) -> None:
    row = "INSERT INTO s.t VALUES (1);"
    plan = Plan("USE s; CREATE TABLE t (a int); CREATE TABLE u (a int);" + row + between + row)
    shared = [
        task for task in plan.tasks if any(step.sql == row[:-1].encode() for step in task.steps)
    ]
    assert [len(task.steps) for task in shared] == [1, 1]


def test_statements_keep_their_order_and_none_is_lost() -> None:
    script = MYSQLDUMP + LARGE.replace("INTO t", "INTO a") + "UPDATE a SET id=1; SELECT 1;"
    plan = Plan(script)
    sent = [step.sql for task in plan.tasks for step in task.steps if step.sql]
    wanted = [item.sql for item in split([script.encode()]) if isinstance(item, Statement)]
    left = iter(wanted)
    assert all(sql in left for sql in sent)  # in this order
    assert len(wanted) - len(sent) == plan.planner.absorbed


def test_indexes_come_behind_large_rows() -> None:
    begin = "USE s; CREATE TABLE t (a int, b text); CREATE TABLE u (a int);"
    plan = Plan(begin + LARGE + LARGE + "INSERT INTO t VALUES (1,'');")
    assert plan.kinds == "fffrrri"
    indexes = plan.tasks[-1]
    assert indexes.writes == {table_key(b"s", b"t")}
    assert indexes.table is plan.tasks[-2].table
    assert [step.sql for step in indexes.steps] == [b""]
    for more, kinds in [
        ("INSERT INTO u VALUES (1);", "rir"),
        ("UPDATE t SET a=1;", "rid"),
        ("ALTER TABLE t ENABLE KEYS;", "ri"),
        ("ALTER TABLE t ADD KEY (a);", "rif"),
        ("CREATE DATABASE x;", "rif"),
        ("SELECT 1;", "rib"),
        ("SET a=now();", "rib"),
        ("SET a=1;", "ri"),
    ]:
        assert Plan(begin + LARGE + more).kinds == "fff" + kinds
    small = LARGE.replace("x" * LARGE_STATEMENT_BYTES, "x")
    assert Plan(begin + small).kinds == "fffr"


def test_if_not_exists_tells_nothing_of_a_table() -> None:
    create = "CREATE TABLE IF NOT EXISTS t (a int);"
    insert = "INSERT INTO t VALUES (1);"
    assert Plan("USE s;" + create + insert).kinds == "ffd"
    assert Plan(OFF + "USE s; DROP TABLE t;" + create + insert).kinds == "fffr"
    known = Plan("USE s; CREATE TABLE t (a int, b int AUTO_INCREMENT);" + create + insert)
    assert known.kinds == "fffd"


def test_if_not_exists_is_believed_once() -> None:
    plan = Plan(
        OFF + "USE s; DROP TABLE IF EXISTS t; CREATE TABLE t (a int, b int AUTO_INCREMENT);"
        "CREATE TABLE IF NOT EXISTS t (a int); INSERT INTO t (a) VALUES (1);",
    )
    assert plan.kinds == "fffd"


@pytest.mark.parametrize("checks", ["SET foreign_key_checks=0;", ""])
def test_a_schema_dropped_while_in_it_must_be_entered_once_more(checks: str) -> None:
    plan = Plan(checks + "CREATE DATABASE s; USE s; DROP DATABASE s;")
    before = plan.tasks[-1].session
    assert plan.planner.session.schema is None
    plan.add("CREATE DATABASE s; USE s; CREATE TABLE t (a int); INSERT INTO t VALUES (1);")
    assert plan.tasks[-1].kind is TaskKind.ROWS
    assert before is not None
    assert plan.tasks[-1].session != before


def test_dropping_another_schema_leaves_the_session() -> None:
    plan = Plan(OFF + "USE s; DROP DATABASE u;")
    assert plan.planner.session.schema == b"s"


def test_a_dropped_schema_has_no_known_tables() -> None:
    plan = Plan("CREATE TABLE s.t (a int); DROP DATABASE s; INSERT INTO s.t VALUES (1);")
    assert plan.kinds == "fbd"


@pytest.mark.parametrize("sql", ["DROP DATABASE s", "DROP TABLE s.t"])
def test_drops_are_barriers_while_foreign_keys_are_checked(sql: str) -> None:
    assert Plan(sql).kinds == "b"
    assert Plan(OFF + sql).kinds == "f"


def test_entering_a_schema_waits_for_its_creation() -> None:
    plan = Plan("CREATE DATABASE s; USE s; USE s; CREATE DATABASE u; USE `u`; USE s;")
    assert plan.kinds == "ffff"
    one, use, other, use_other = plan.tasks
    assert conflict(one, use)
    assert not conflict(one, use_other)
    assert conflict(other, use_other)
    assert [step.sql for step in use.steps] == [b""]


def test_names_are_the_same_in_any_case() -> None:
    plan = Plan("CREATE DATABASE Lab; CREATE TABLE lab.T (a int); CREATE TABLE LAB.t (a int);")
    assert conflict(plan.tasks[0], plan.tasks[1])
    assert conflict(plan.tasks[1], plan.tasks[2])


def test_unknown_tables_are_looked_up() -> None:
    asked: list[tuple[bytes, bytes]] = []

    def lookup(schema: bytes, name: bytes, /, *, settled: bool) -> TableFacts:
        assert not settled
        asked.append((schema, name))
        return TableFacts(is_table=name == b"t", counts_up_elsewhere=False)

    plan = Plan(
        OFF + "USE s; INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); INSERT INTO v VALUES (3);"
        "INSERT INTO t VALUES (f());",
        lookup=lookup,
        is_dump=True,
    )
    assert plan.kinds == "frd"
    assert plan.rows.any_order
    assert asked == [(b"s", b"t"), (b"s", b"v")]


@pytest.mark.parametrize(
    ("found", "kinds"),
    [
        (TableFacts(), "fd"),  # the server may number its rows
        (TableFacts(counts_up_elsewhere=False), "fr"),
        (TableFacts(counts_up=b"a", counts_up_elsewhere=False), "fr"),
        (TableFacts(counts_up=b"b", counts_up_elsewhere=False, watched=True), "fd"),
        (TableFacts(is_table=False), "fd"),
        (TableFacts(innodb=False), "fb"),
        (None, "fd"),
    ],
)
def test_rows_go_by_what_is_there(found: TableFacts | None, kinds: str) -> None:
    plan = Plan(OFF + "USE s; INSERT INTO t VALUES (1);", lookup=lambda *_, settled: found)
    assert plan.kinds == kinds
    assert plan.tasks[-1].repeatable is (kinds != "fb")


def test_no_table_without_a_schema() -> None:
    script = "CREATE TABLE t (a int); INSERT INTO t VALUES (1);"
    plan = Plan(script, lookup=lambda *_, settled: TableFacts())
    assert plan.kinds == "bd"


@pytest.mark.parametrize(
    "change",
    [
        "DROP TABLE a, b; CREATE TABLE IF NOT EXISTS b (a int);",
        "RENAME TABLE a TO x, b TO a, x TO b;",
    ],
)
def test_statements_about_several_tables_forget_all_of_them(change: str) -> None:
    plan = Plan("USE s; CREATE TABLE a (a int); CREATE TABLE b (a int);" + change)
    tasks = len(plan.tasks)
    plan.add("INSERT INTO b VALUES (1);")
    assert plan.kinds[tasks:] == "d"


def test_rows_of_a_view_are_not_those_of_a_table() -> None:
    plan = Plan(
        "USE s; CREATE TABLE t (a int); CREATE VIEW v AS SELECT * FROM t;"
        "INSERT INTO v VALUES (1); ALTER TABLE t ADD b int;",
        lookup=lambda *_, settled: TableFacts(),  # the view is not there yet
        is_dump=True,
    )
    assert conflict(plan.tasks[-2], plan.tasks[-1])


def test_a_trigger_may_put_rows_where_they_cannot_be_undone() -> None:
    tables = "USE s; CREATE TABLE t (a int); CREATE TABLE m (a int) ENGINE=MyISAM;"
    trigger = "CREATE TRIGGER r AFTER INSERT ON t FOR EACH ROW INSERT INTO m VALUES (1);"
    row = "INSERT INTO t VALUES (1);"
    plan = Plan(tables + row + trigger + row)
    assert plan.kinds == "fffrfb"
    assert not plan.tasks[-1].repeatable
    assert Plan(tables.replace("MyISAM", "InnoDB") + trigger + row).kinds == "ffffd"
    # Within a transaction, a load cannot be resumed after that.
    assert Plan(tables + trigger + "SET autocommit = 0;" + row).planner.in_order


def test_rows_of_a_table_whose_trigger_is_not_there_yet() -> None:
    plan = Plan(
        "USE s; CREATE TRIGGER tr AFTER INSERT ON t FOR EACH ROW SET @a=1;"
        "INSERT INTO t VALUES (1);",
        lookup=lambda *_, settled: TableFacts(),
        is_dump=True,
    )
    assert plan.kinds == "ffd"


@pytest.mark.parametrize("engine", ["MyISAM", "Aria", "'MyISAM'", "MEMORY"])
def test_rows_of_other_engines_run_alone(engine: str) -> None:
    plan = Plan(f"USE s; CREATE TABLE t (a int) ENGINE={engine}; INSERT INTO t VALUES (1);")
    assert plan.kinds == "ffb"
    assert not plan.tasks[-1].repeatable


@pytest.mark.parametrize(
    ("mode", "verbatim", "kind"),
    [
        ("", False, "d"),
        ("", True, "r"),
        ("SET sql_mode='NO_BACKSLASH_ESCAPES';", False, "r"),
        ("SET sql_mode='ANSI,no_backslash_escapes';", False, "r"),
        ("SET sql_mode='';", True, "d"),
    ],
)
def test_backslashes_as_sql_mode_has_them(mode: str, verbatim: bool, kind: str) -> None:
    # In one of the modes a function is called.
    script = f"{mode} USE s; CREATE TABLE t (a text);"
    plan = Plan(script, verbatim=verbatim)
    source = Source("s.sql", io.BytesIO(), size_bytes=0, folder=Path())
    sql = rb"INSERT INTO t VALUES ('(\',1)"
    step = Step(Statement(sql, 1, 1, 0, len(sql)), source, sql)
    plan.tasks += [*plan.planner.statement(step), *plan.planner.finish()]
    assert plan.kinds == "ff" + kind


@pytest.mark.parametrize("found", [None, TableFacts(is_table=False)])
def test_the_server_is_asked_once_for_what_is_no_table(found: TableFacts | None) -> None:
    asked: list[bool] = []

    def lookup(schema: bytes, name: bytes, /, *, settled: bool) -> TableFacts | None:
        asked.append(settled)
        return found

    rows = "INSERT INTO v VALUES (1);" * 50
    plan = Plan("USE s;" + rows, lookup=lookup)
    assert asked == [False]
    plan.add("CREATE VIEW w AS SELECT 1;" + rows)  # it may be there now
    assert asked == [False, True]
    plan.add("CREATE TABLE v (i INT PRIMARY KEY);" + rows)
    assert asked == [False, True]
    assert plan.tasks[-1].kind is TaskKind.ROWS
