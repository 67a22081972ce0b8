"""``python -m sidecar_magics``: the command, also where pip's folder of programs is not on PATH."""

from __future__ import annotations

from .cli import main

if __name__ == "__main__":
    raise SystemExit(main())
