"""Turn statements into tasks that show what they read and write, so which may run in parallel.

Modules:

    planner.py  statements into tasks
    tasks.py    steps, and the tasks made of them
    tables.py   facts about each table, from the script or the server
    explain.py  the plan, shown without a server
"""
