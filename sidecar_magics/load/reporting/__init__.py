"""Progress, the report, and errors with their place and the next step.

Modules:

    progress.py       how far a load is
    pace.py           how fast, and how long it will take
    report.py         statements and rows by table, with warnings
    report_html.py    the report as HTML
    failures.py       errors with a place in the script
    server_errors.py  the next step for each error number
    nearest.py        the name that was probably meant
    results.py        the last result set
    result_views.py   a result set as a table
"""
