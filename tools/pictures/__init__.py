"""The pictures of the notebooks and of the README, made anew: ``make pictures``.

    tables.py      a drawing of some of Spyglass's tables, from the foreign keys of the dump
    quickstart.py  what the quick start shows, as a browser draws it
    __main__.py    both, after a run of the quick start
"""
