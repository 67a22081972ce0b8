"""What the server remembers of loads: which are done, how far the others are.

Modules:

    tables.py       the journal's schema
    loads.py        one row for each load
    pieces.py       how far a load is: notes in the transactions of its rows
    owed.py         indexes that ended loads have put off and not built
    records.py      records of `--once` that travel with a dump
    bookkeeping.py  a load among others: its locks, what it takes up, what it leaves
"""
