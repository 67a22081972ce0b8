"""Docker or podman on this machine -> a container that serves MySQL, as in compose.yaml.

    backend.py    the backend
    starting.py   one start: which container, on which port, with which password
    found.py      containers that are there already
    container.py  a container as the engine describes it
    recipe.py     image, options and limits
    password.py   root's password, in a file in the container
    pulling.py    fetching the image
    watching.py   looking at a container that starts
    client.py     the engine's command line
    refusals.py   an engine's refusals, in a sentence

Engines are used through their command lines, which know contexts, rootless sockets and Docker
Desktop; podman's API needs a service that few start. A container that `up` did not make is never
changed. `tests/fake_engine.py` replaces the client in `make test`;
`tests/hub/pods/test_backends.py` holds it to the real ones.
"""
