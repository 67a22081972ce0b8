"""Animals."""

import datajoint as dj

schema = dj.Schema()


def activate(schema_name):
    """Declare the tables in a schema of this name."""
    schema.activate(schema_name)


@schema
class Species(dj.Lookup):
    definition = """
    species: varchar(32)
    """
    contents = (("Rattus norvegicus",), ("Mus musculus",))


@schema
class Subject(dj.Manual):
    definition = """
    subject: varchar(16)
    ---
    -> Species
    subject_birth_date: date
    subject_description='': varchar(255)
    """
