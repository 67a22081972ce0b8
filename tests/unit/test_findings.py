from __future__ import annotations

from sidecar_magics.load.check.findings import Finding, by_place


def test_findings_come_as_the_script_has_them() -> None:
    places = ["b.sql:10:1", "", "b.sql:9:12", "a.sql:1:1", "b.sql:9:2", "C:\\a:b.sql"]
    found = by_place(Finding("x", "said", place=place) for place in places)
    assert [finding.place for finding in found] == [
        "",
        "C:\\a:b.sql",
        "b.sql:9:2",
        "b.sql:9:12",
        "b.sql:10:1",
        "a.sql:1:1",
    ]
