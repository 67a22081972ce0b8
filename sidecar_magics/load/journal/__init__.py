"""What the server remembers of loads: which are done, how far the others are."""
