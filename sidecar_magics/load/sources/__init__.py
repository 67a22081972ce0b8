"""Turn the user's name for a script into streams of bytes.

Modules:

    opening.py      from the user's words to sources: a file, several, a folder, an address, a text
    paths.py        ``~``, ``$VAR``, members of archives; similar names that exist
    folders.py      the scripts of a folder, in their order
    mydumper.py     the folders that mydumper writes
    remote.py       addresses: https, s3, gcs
    source.py       one script, as a stream
    origins.py      places of a script's bytes: a file, standard input, a text
    zips.py         a member of a zip archive
    compression.py  gzip, bzip2, xz, zstd
    formats.py      which of these a file is, by its first bytes
    counting.py     bytes counted and hashed on the way
    dump_marks.py   lines in which dumps describe themselves: complete or not, from which server
"""
