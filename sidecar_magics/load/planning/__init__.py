"""From statements to tasks: what each reads and writes, and so which may run in parallel.

Modules:

    planner.py  statements into tasks
    tasks.py    steps, and the tasks made of them
    tables.py   what is known of each table, from the script or the server
    explain.py  the plan, shown without a server
"""
