"""The pictures of the notebooks and of the README, recreated: ``make pictures``.

`tables` draws some of Spyglass's tables, from the foreign keys of the dump; `quickstart` what the
quick start shows, as a browser draws it.
"""
