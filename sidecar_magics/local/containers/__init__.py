"""Docker or podman on this machine -> a container that serves MySQL, as in compose.yaml."""
