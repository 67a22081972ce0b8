"""The tutorial's data, recreated: ``make tutorial-data``.

    session.py     a small recording as an NWB file, always the same
    pipeline.py    Spyglass takes it in, over our magics: position, LFP, theta
    steady.py      identifiers that a run of Spyglass draws, drawn the same each time
    conda.py       a stand-in for the program that Spyglass asks about its environment
    make.py        these, after our three lines
    __main__.py    a server, `make`, a dump, and the files below notebooks/data

All but the last run in Spyglass's own environment, ``.venv-spyglass``; the tests use them too.
"""
