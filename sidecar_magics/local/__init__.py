"""A MySQL sidecar on this machine, without Docker: found or fetched, started, stopped."""
