"""What a SQL script is: statements and client commands, found in a stream of bytes.

Nothing here reads a file, opens a connection or knows the rest of the package.
"""
