"""Read the tutorial back with Spyglass: ``python -m tests.spyglass.reading BASE_DIR [DUMP]``.

Run in Spyglass's own environment; loads the dump first if there is one, then prints JSON.
"""

from __future__ import annotations

import hashlib
import json
import sys
from typing import Any

from IPython.core.interactiveshell import InteractiveShell


def main() -> int:
    base, *dumps = sys.argv[1:]
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "sidecar_magics")
    for dump in dumps:
        shell.run_line_magic("mysql_load", f"'{dump}' --quiet")
    shell.run_line_magic("datajoint_connect", f"--spyglass '{base}' --quiet")
    print(json.dumps(found()))
    return 0


def found() -> dict[str, Any]:
    from spyglass.common import Electrode, Raw, Session
    from spyglass.lfp import LFPOutput
    from spyglass.lfp.analysis.v1 import LFPBandV1
    from spyglass.position import PositionOutput

    key = Session.fetch1("KEY")
    position = PositionOutput & PositionOutput.merge_get_part(key).fetch1("KEY")
    lfp = LFPOutput & LFPOutput.merge_get_part(key).fetch1("KEY")
    raw = (Raw & key).fetch_nwb()[0]["raw"]
    return {
        "sessions": len(Session()),
        "electrodes": len(Electrode & key),
        "raw": [list(raw.data.shape), hashlib.sha256(raw.data[:].tobytes()).hexdigest()],
        "position": described(position.fetch1_dataframe()),
        "lfp": described(lfp.fetch1_dataframe()),
        "theta": described((LFPBandV1 & key).fetch1_dataframe()),
    }


def described(frame: Any) -> list[Any]:
    values = frame.reset_index().to_numpy().tobytes()
    return [list(frame.shape), list(map(str, frame.columns)), hashlib.sha256(values).hexdigest()]


if __name__ == "__main__":
    sys.exit(main())
