"""Run the tasks of a load: lanes, their connections, and who may do what when."""
