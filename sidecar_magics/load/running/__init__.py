"""Run the tasks of a load, on several connections at a time.

Decisions, without threads, sockets or time, so that a simulation can play them:

    scheduler.py      which task may run
    lane.py           what one connection does next, and after a failure
    doubts.py         statements that may be done or not, noted before they run
    reconnecting.py   a lane's connection after it was lost
    sender.py         a task's statements: sent, counted, refused or lost
    streaming.py      rows by LOAD DATA, where that is proven to be the same
    numbering.py      AUTO_INCREMENT numbers and LAST_INSERT_ID(), when rows are sent again
    index_clauses.py  which indexes may wait until the rows are there
    index_builds.py   putting them off, and building them
    context.py        the state that the lanes of a load share
    operations.py     the operations that a lane yields, for a thread to carry out

The real world:

    loader.py         a load from beginning to end
    terms.py          how many connections, and what is sent first on each
    showing.py        progress, and what the load waits for
    threads.py        carries out operations on real connections
    handover.py       the scheduler between threads
    link.py           a connection in a session's state
    inspector.py      a connection that looks at tables
    set_trial.py      tries each SET where it stands
    stall.py          why a load makes no progress
"""
