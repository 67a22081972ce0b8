"""Sessions of animals that another module knows."""

import importlib

import datajoint as dj

schema = dj.Schema()


def activate(schema_name, *, linking_module):
    """Declare the tables in a schema of this name; the module named has the table Subject."""
    linked = vars(importlib.import_module(linking_module))
    schema.activate(schema_name, add_objects={"Subject": linked["Subject"]})


@schema
class Session(dj.Manual):
    definition = """
    -> Subject
    session_date: date
    """


@schema
class SessionNote(dj.Manual):
    definition = """
    -> Session
    ---
    session_note: varchar(1000)
    """
