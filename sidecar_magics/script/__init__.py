"""Split a stream of bytes into statements and client commands, understand and change them.

Pure functions: nothing here reads a file, opens a connection or imports the rest of the package.
A script is bytes, because a dump without ``--hex-blob`` is valid in no encoding. The ``mysql``
client is the oracle for what a script means.

Splitting:

    splitter.py     bytes into statements and client commands
    items.py        both of them, with their places
    window.py       the part of the script that is in memory
    patterns.py     the splitter's regular expressions
    commands.py     the client's commands: DELIMITER, source, use, ...
    versioned.py    versioned comments, and the statement that a server reads
    sent.py         the bytes that the client would send for a statement
    tokens.py       the tokens of one statement, with their places

Understanding a statement:

    classify.py     its kind: session, schema, table, rows, routine, ...
    forms.py        the exact forms that dumps consist of
    session.py      the state of the session, followed through SET and USE
    quoting.py      how it reads quotes and backslashes
    names.py        the names of schemas in it
    changes.py      the schemas that it changes
    rows.py         whether it only inserts given values
    insertion.py    the beginning of an INSERT, without its rows
    definitions.py  a CREATE TABLE: keys, engine, AUTO_INCREMENT
    layout.py       a table's columns, from SHOW CREATE TABLE
    streamable.py   whether LOAD DATA would read its rows as INSERT does
    features.py     features that MariaDB refuses or understands differently
    disclosure.py   how much of it may be shown

Changing it on the way:

    rewrite.py      all of these, in one pass
    selection.py    only some tables; no rows; only rows; no system schemas
    redirect.py     into another schema
    definers.py     without DEFINER
    collations.py   with other collations
    substitutes.py  the nearest other collation
"""
