"""The server's memory of loads: which are complete, how far the others are.

Modules:

    tables.py       the journal's schema
    loads.py        one row for each load
    pieces.py       how far a load is: notes in the transactions of its rows
    owed.py         indexes that killed loads deferred and never built
    records.py      records of `--once` that travel with a dump
    bookkeeping.py  a load among others: its locks, the load that it resumes, its record
"""
