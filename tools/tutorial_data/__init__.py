"""A recording for the tutorials, and what Spyglass makes of it: ``make tutorial-data``.

    session.py     a small recording as an NWB file, always the same
    base.py        a base folder for Spyglass, named before Spyglass is imported
    conda.py       a stand-in for the program that Spyglass asks about its environment
    pipeline.py    Spyglass takes the recording in: position, LFP, theta
    dump.py        the database as a script
    __main__.py    all of it, on a server of its own, into a folder

They run in Spyglass's own environment, ``.venv-spyglass``; tests/spyglass uses them too.
"""
