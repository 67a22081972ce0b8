"""From statements to tasks: what each reads and writes, and so which may run in parallel."""
