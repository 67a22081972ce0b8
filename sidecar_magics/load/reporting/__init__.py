"""What a load says: progress, errors with their place, the report."""
