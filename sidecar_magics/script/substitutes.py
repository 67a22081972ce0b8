"""Find the server's collation that comes nearest to one that it lacks.

Best is one with the same letters in the same order, for which case, accents and trailing spaces
count alike. Otherwise different texts should stay different rather than become equal, so that a
unique key still holds; trailing spaces are the exception, as older servers have no other choice.

MariaDB's ``uca1400_nopad`` orders Latin and Cyrillic letters as MySQL's ``0900`` does; of some
languages both have their own idea. That was found by comparing the two servers, as
tests/integration/test_rewrite.py does. From 11.4.5 on, MariaDB has the ``utf8mb4_0900_*`` names
itself, as aliases of these.

Source: "Unicode Character Sets", MySQL 9 Reference Manual; "Supported Character Sets and
Collations", MariaDB Knowledge Base.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

_MYSQL = re.compile(
    r"utf8mb4_(?:(?P<language>[a-z_]+)_)?0900_(?P<counts>ai_ci|as_ci|as_cs|bin)(?P<kana>_ks)?"
)
_MARIADB = re.compile(
    r"(?P<charset>[a-z0-9]+)_uca1400_(?:(?P<language>(?!nopad)[a-z0-9]+)_)?(?P<nopad>nopad_)?"
    r"(?P<counts>a[is]_c[is])"
)

# MySQL's languages and MariaDB's names for them. Croatian is also Bosnian and Serbian, Danish is
# also Norwegian, Spanish is also Galician: the servers order them alike.
_LANGUAGES = {
    "cs": "czech",
    "da": "danish",
    "de_pb": "german2",
    "eo": "esperanto",
    "es": "spanish",
    "es_trad": "spanish2",
    "et": "estonian",
    "hr": "croatian",
    "hu": "hungarian",
    "is": "icelandic",
    "la": "roman",
    "lt": "lithuanian",
    "lv": "latvian",
    "pl": "polish",
    "ro": "romanian",
    "sk": "slovak",
    "sl": "slovenian",
    "sv": "swedish",
    "tr": "turkish",
    "vi": "vietnamese",
}
_MARIADB_LANGUAGE = {
    **_LANGUAGES,
    **{"bs": "croatian", "sr_latn": "croatian", "nb": "danish", "nn": "danish", "gl": "spanish"},
}
_MYSQL_LANGUAGE = {mariadb: mysql for mysql, mariadb in _LANGUAGES.items()}
_ONLY_MYSQL = {
    "bg": "Cyrillic letters after Latin ones",
    "mn_cyrl": "Cyrillic letters after Latin ones",
    "ru": "Cyrillic letters after Latin ones",
    "ja": "not in Japanese order",
    "zh": "not in Chinese order",
}
_ONLY_MARIADB = ("persian", "sinhala")
# Where no difference between the two servers was found.
_ALIKE = {None, "croatian", "czech", "esperanto", "german2", "spanish", "spanish2", "vietnamese"}
_ELSEWHERE = "some letters compared differently"
_SPACES_STOP_COUNTING = "trailing spaces do not count"
_BY_CODE = "ordered by code"


def nearest(collation: str, known: Collection[str]) -> tuple[str, str] | None:
    """Return the known collation that comes nearest, and in one phrase how it differs.

    Parameters
    ----------
    collation : str
        The one that is wanted.
    known : collection of str
        The server's, as SHOW COLLATION has them (MariaDB's ``uca1400_ai_ci`` stands for that of
        each Unicode character set).

    Returns
    -------
    tuple of str, or None
        Substitute and difference; the collation itself and "" if the server knows it, None if
        there is nothing like it, for instance because the server lacks the character set.
    """
    wanted = collation.lower()
    for candidate, difference in _candidates(wanted):
        short = re.sub(r"^(?:utf8mb4|utf8mb3|ucs2|utf16|utf32)_(?=uca1400_)", "", candidate)
        if candidate in known or short in known:
            return candidate, difference
    return None


def substitutes(known: Collection[str]) -> dict[str, str]:
    """Return the map that lets a dump of a newer server into one with these collations.

    It has those of MySQL's ``utf8mb4_0900`` and MariaDB's ``uca1400`` collations that the server
    lacks.
    """
    found = {}
    for collation in (*_mysql_collations(), *_mariadb_collations()):
        offer = nearest(collation, known)
        if offer and offer[0] != collation:
            found[collation] = offer[0]
    return found


def _mysql_collations() -> Iterator[str]:
    yield from (f"utf8mb4_0900_{counts}" for counts in ("ai_ci", "as_ci", "as_cs", "bin"))
    for language in (*_MARIADB_LANGUAGE, *_ONLY_MYSQL):
        if language not in ("ja", "zh"):
            yield f"utf8mb4_{language}_0900_ai_ci"
        yield f"utf8mb4_{language}_0900_as_cs"
    yield "utf8mb4_ja_0900_as_cs_ks"


def _mariadb_collations() -> Iterator[str]:
    for charset in ("utf8mb4", "utf8mb3"):
        for language in ("", *(f"{name}_" for name in (*_MYSQL_LANGUAGE, *_ONLY_MARIADB))):
            for nopad in ("", "nopad_"):
                for counts in ("ai_ci", "ai_cs", "as_ci", "as_cs"):
                    yield f"{charset}_uca1400_{language}{nopad}{counts}"


def _candidates(wanted: str) -> Iterator[tuple[str, str]]:
    """Yield the substitutes for a collation, nearest first."""
    yield wanted, ""
    charset, _, rest = wanted.partition("_")
    if charset in ("utf8", "utf8mb3"):
        other = "utf8" if charset == "utf8mb3" else "utf8mb3"
        yield f"{other}_{rest}", "another name for the same"
    mysql, mariadb = _MYSQL.fullmatch(wanted), _MARIADB.fullmatch(wanted)
    if mysql:
        yield from _for_mysql(mysql)
    elif mariadb:
        yield from _for_mariadb(mariadb)
    elif rest == "nopad_bin":
        if charset == "utf8mb4":
            yield "utf8mb4_0900_bin", "another name for the same"
        yield f"{charset}_bin", _SPACES_STOP_COUNTING
    elif "_nopad_" in rest:
        yield wanted.replace("_nopad_", "_"), _SPACES_STOP_COUNTING
    elif rest in _ODD:
        yield f"{charset}_{_ODD[rest][0]}", _ODD[rest][1]


_ODD = {
    "croatian_mysql561_ci": ("croatian_ci", "the order of another version"),
    "thai_520_w2": ("unicode_520_ci", "accents do not count"),
    "myanmar_ci": ("unicode_520_ci", "not in Burmese order"),
    "tolower_ci": ("general_ci", "accents do not count"),
}


def _for_mysql(match: re.Match[str]) -> Iterator[tuple[str, str]]:
    """Yield MariaDB's substitutes for MySQL's ``0900`` collations."""
    language, counts = match["language"], match["counts"]
    if counts == "bin":
        yield "utf8mb4_nopad_bin", "another name for the same"
        yield "utf8mb4_bin", _SPACES_STOP_COUNTING
        return
    lost = _ONLY_MYSQL.get(language or "")
    tailored = _MARIADB_LANGUAGE.get(language or "")
    infix = f"{tailored}_" if tailored else ""
    kana = "kana count" if language == "ja" and not match["kana"] else None
    letters = None if tailored in _ALIKE else _ELSEWHERE
    difference = _phrase("Unicode 14 instead of 9", letters, lost, kana)
    yield f"utf8mb4_uca1400_{infix}nopad_{counts}", difference
    yield from _older("utf8mb4", tailored, counts, pads=False, lost=lost)


def _for_mariadb(match: re.Match[str]) -> Iterator[tuple[str, str]]:
    """Yield MySQL's substitutes for MariaDB's ``uca1400`` collations."""
    charset, language, counts = match["charset"], match["language"], match["counts"]
    pads = match["nopad"] is None
    tailored = _MYSQL_LANGUAGE.get(language or "")
    lost = f"not in {language.capitalize()} order" if language and not tailored else None
    if charset == "utf8mb4":
        infix = f"{tailored}_" if tailored else ""
        spaces = "trailing spaces count" if pads else None
        case = "case counts" if counts == "as_ci" and tailored else None
        accents = "accents count" if counts == "ai_cs" else None
        nearest_counts = "as_cs" if case or accents else counts
        letters = None if not tailored or language in _ALIKE else _ELSEWHERE
        difference = _phrase("Unicode 9 instead of 14", letters, spaces, case, accents, lost)
        yield f"utf8mb4_{infix}0900_{nearest_counts}", difference
    yield from _older(charset, language if tailored else None, counts, pads=pads, lost=lost)


def _older(
    charset: str, language: str | None, counts: str, *, pads: bool, lost: str | None
) -> Iterator[tuple[str, str]]:
    """Yield substitutes on older servers: without accents, or by code."""
    spaces = None if pads else _SPACES_STOP_COUNTING
    if counts == "ai_ci":
        if language:
            yield f"{charset}_{language}_ci", _phrase("an older order", spaces)
        language_lost = "not in the language's order" if language else lost
        if not pads:
            nopad = _phrase("Unicode 5.2", language_lost)
            yield f"{charset}_unicode_520_nopad_ci", nopad
        yield f"{charset}_unicode_520_ci", _phrase("Unicode 5.2", spaces, language_lost)
        yield f"{charset}_unicode_ci", _phrase("Unicode 4", spaces, language_lost)
        return
    case = None if counts.endswith("cs") else "case counts"
    accents = None if counts.startswith("as") else "accents count"
    if not pads:
        yield f"{charset}_nopad_bin", _phrase(_BY_CODE, case, accents)
    yield f"{charset}_bin", _phrase(_BY_CODE, spaces, case, accents)


def _phrase(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part)
