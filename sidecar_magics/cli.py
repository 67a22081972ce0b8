# PYTHON_ARGCOMPLETE_OK
"""The same verbs for a terminal: ``sidecar-magics wait``, ``load`` and so on; `_parser` has all."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from . import __version__, display, lines, options, units
from .errors import SettingsError, SidecarError, for_terminal
from .previews import preview
from .settings import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# A shell's exit status for a program that Ctrl-C ended, and for one that wrote into `| head`.
INTERRUPTED = 130
NOBODY_READS = 141


# Verbs without a file whose options are those of a magic.
_WITH_MAGICS = ("wait", "keep", "doctor", "up")


class _NobodyReadsError(Exception):
    """Standard output leads nowhere: `| head` has seen enough."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit status: 0, 1 for an error, 2 for wrong arguments.

    It is 130 after Ctrl-C, and 141 where the reader of its output is gone.

    Parameters
    ----------
    arguments : sequence of str, optional
        Default: the process's own.
    """
    status: int | None
    try:
        parsed = _parsed(arguments)
        status = parsed.run(parsed)
    except SidecarError as error:
        _complain(error)
        status = 1
    except KeyboardInterrupt as interrupt:
        _complain(interrupt)
        status = INTERRUPTED
    except _NobodyReadsError:
        status = NOBODY_READS
    finally:
        _nobody_hears(sys.stderr)
        nobody_reads = _nobody_hears(sys.stdout)
    return NOBODY_READS if nobody_reads else status or 0


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the words of a command; a mistake ends the process, with a suggestion."""
    try:
        parser = _parser()
        if "_ARGCOMPLETE" in os.environ:  # a shell asks, after Tab
            from .shell_completion import complete  # noqa: PLC0415

            complete(parser)
        parsed, unknown = parser.parse_known_args(arguments)
        unknown = options.take_names(parsed, unknown)
    except BrokenPipeError:  # --help; later versions of argparse do not mind
        raise SystemExit(0) from None
    flags = [word.partition("=")[0] for word in unknown if word.startswith("-")]
    if flags:  # without what follows them, which may be a password
        meant = lines.misspelt(parsed.verb, flags)
        if not meant and "file" in parsed and Path(flags[0]).suffix:
            meant = f"a file of that name is ./{flags[0]}"
        parsed.verb.error(f"there is no option {flags[0]}" + (f"; {meant}" if meant else ""))
    if unknown and not {"file", "notebooks"} & set(vars(parsed)):
        verb = parsed.verb.prog.split()[-1]
        hint = for_terminal(lines.options_for(f"mysql_{verb}", unknown))
        parsed.verb.error(
            f"{verb} takes options only" + (f"; {hint}" if verb in _WITH_MAGICS else "")
        )
    if unknown:
        parsed.verb.error(f"too many words: {' '.join(unknown)}; put a path with spaces in quotes")
    return parsed


def _complain(error: BaseException | str) -> None:
    if sys.stderr is None:  # it was closed before the start, and print() would take standard output
        return
    with contextlib.suppress(OSError, ValueError):
        print(for_terminal(str(error)), file=sys.stderr)


def _show(text: object) -> None:
    """Print to standard output."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        raise _NobodyReadsError from None


def _nobody_hears(stream: TextIO | None) -> bool:
    """Return whether a stream is broken; if so, discard the text that it did not take.

    Python would try again at its end, complain, and exit with 120.
    """
    if stream is None:
        return False
    try:
        stream.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return True
    return False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sidecar-magics",
        description="A MySQL sidecar: wait for it, load it, examine it, or start your own.",
        epilog="Completion by Tab, in bash and zsh: "
        'eval "$(register-python-argcomplete sidecar-magics)"',
    )
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    for name, table, run in (
        ("wait", options.WAIT, _wait),
        ("load", options.LOAD, _load),
        ("dump", options.DUMP, _dump),
        ("keep", options.KEEP, _keep),
        ("doctor", options.DOCTOR, _doctor),
        ("convert", options.CONVERT, _convert),
        ("up", options.UP, _up),
        ("down", options.DOWN, _down),
        ("status", options.STATUS, _status),
        ("logs", options.LOGS, _logs),
    ):
        _add_verb(verbs, name, table, run)
    return parser


def _add_verb(
    verbs: Any,
    name: str,
    table: tuple[options.Option, ...],
    run: Callable[[argparse.Namespace], int | None],
) -> None:
    verb = verbs.add_parser(name, help=run.__doc__, description=run.__doc__, allow_abbrev=False)
    for option in table:
        option.add_to(verb)
    verb.set_defaults(run=run, verb=verb)


def _wait(arguments: argparse.Namespace) -> None:
    """Wait until the server can be used."""
    from .wait import wait  # noqa: PLC0415

    settings = resolve(options.connection_options(arguments))
    if arguments.show:
        _show(settings.table())
        return
    shown = display.WaitDisplay(display.line(quiet=arguments.quiet), settings.address)
    with shown:
        shown.ready(wait(settings, timeout_s=arguments.timeout, progress=shown.progress))


def _load(arguments: argparse.Namespace) -> int:
    """Load SQL scripts, plain or compressed."""
    from .load import load  # noqa: PLC0415

    if arguments.file is None:
        raise SettingsError(
            "load takes a file.", hint="name it; `sidecar-magics load -` reads standard input."
        )
    lines.check_command(arguments.file)
    settings = resolve(options.connection_options(arguments))
    if arguments.check or arguments.explain:
        previewed = preview(arguments, settings)
        _show(previewed)
        return 0 if getattr(previewed, "ok", True) else 1
    shown = display.LoadDisplay(display.line(quiet=arguments.quiet), arguments.file)
    with shown:
        report = load(
            arguments.file,
            settings,
            **options.loading_options(arguments),
            progress=shown.progress,
        )
        shown.loaded(report)
    if not arguments.quiet:
        _show(report.for_terminal())
    return 1 if report.errors else 0


def _dump(arguments: argparse.Namespace) -> None:
    """Dump schemas into SQL scripts, plain or compressed."""
    from .dump import dump  # noqa: PLC0415

    lines.check_dump(arguments)
    settings = resolve(options.connection_options(arguments))
    shown = display.DumpDisplay(display.line(quiet=arguments.quiet), arguments.file)
    with shown:
        report = dump(
            arguments.file,
            settings,
            **options.dumping_options(arguments),
            progress=shown.progress,
        )
        shown.dumped(report)
    if not arguments.quiet:
        _show(report)


def _keep(arguments: argparse.Namespace) -> None:
    """Keep a server's data in a folder until SIGTERM or Ctrl-C; restore it into a new server."""
    from .keep import keep  # noqa: PLC0415
    from .keep.standing import Standing  # noqa: PLC0415

    action = options.keep_action(arguments)
    if action == "off":
        raise SettingsError("--off is for notebooks.", hint="stop the process that keeps.")
    settings = resolve(options.connection_options(arguments))
    keeper = keep(settings, begins=False, **options.keeping_options(arguments))
    standing = Standing(keeper, _complain, state=arguments.state)
    shown = display.KeepDisplay(display.line(quiet=arguments.quiet))
    with shown:
        if action == "begin":
            status = standing.begin(shown.progress)
        else:
            status = keeper.act(
                action, arguments.restore, restoring=shown.progress, dumping=shown.progress
            )
        shown.kept(status)
    if not arguments.quiet:
        _show(for_terminal(str(status)))
    if action == "begin":
        standing.keep_on()
        _say(for_terminal(str(standing.end())))


def _doctor(arguments: argparse.Namespace) -> int:
    """Check settings, server, exposure and packages; exit with 1 if anything fails."""
    from .doctor import examine  # noqa: PLC0415
    from .doctor.diagnosis import is_terminal  # noqa: PLC0415
    from .doctor.terminal import for_terminal as coloured  # noqa: PLC0415

    diagnosis = examine(lambda: resolve(options.connection_options(arguments)))
    checks = [replace(check, hint=for_terminal(check.hint)) for check in diagnosis]
    diagnosis = replace(diagnosis, checks=tuple(checks))
    _show(coloured(diagnosis) if is_terminal(sys.stdout) else diagnosis)
    return 0 if diagnosis.ok else 1


def _convert(arguments: argparse.Namespace) -> int:
    """Convert tutorials that were written for one hub to the magics, where that is certain."""
    from sidecar_magics_convert import convert_file  # noqa: PLC0415

    if arguments.output is not None and (arguments.write or len(arguments.notebooks) > 1):
        raise SettingsError("--output takes one notebook, and excludes --write.")
    output = None if arguments.output is None else Path(arguments.output)
    failed = 0
    for name in arguments.notebooks:
        try:
            _show(convert_file(Path(name), output=output, write=arguments.write))
        except SidecarError as error:  # the others are converted all the same
            _complain(error)
            failed += 1
    if failed and len(arguments.notebooks) > 1:
        _complain(f"{failed} of {len(arguments.notebooks)} notebooks could not be converted.")
    return 1 if failed else 0


def _up(arguments: argparse.Namespace) -> None:
    """Start a private MySQL server on this machine: in a container, or without Docker and root."""
    from .fetching import Downloading, Pulling  # noqa: PLC0415
    from .local import lifecycle  # noqa: PLC0415

    quiet = arguments.quiet
    with Downloading(quiet=quiet) as download, Pulling(quiet=quiet) as layers:
        lifecycle.up(
            **options.starting_options(arguments),
            progress=None if quiet else _say,
            download=download,
            layers=layers,
        )


def _say(text: str) -> None:
    """Show a step; a reader that is gone must not stop a server that starts."""
    with contextlib.suppress(_NobodyReadsError):
        _show(text)


def _down(arguments: argparse.Namespace) -> int:
    """Stop the server that `up` started; its data stays, unless it is ephemeral."""
    from .local import lifecycle  # noqa: PLC0415

    if arguments.delete_data:
        return _delete_data(is_agreed=arguments.yes)
    if arguments.yes:
        raise SettingsError("--yes is for --delete-data.")
    stopped = lifecycle.down()
    if stopped is None:
        _show("No sidecar was running here.")
    elif not stopped.is_ours:
        _show(f"{stopped}: it ran before `up`, so it keeps running; `up` has forgotten it.")
    else:
        _show(f"{stopped}: stopped.")
        if not stopped.ephemeral:
            _show(str(lifecycle.status()))
    return 0


def _delete_data(*, is_agreed: bool) -> int:
    from .local import lifecycle  # noqa: PLC0415

    known = lifecycle.status()
    earlier = sorted((known.others or {}).items())
    if known.sidecar is not None:
        what = f"the data of {known.sidecar} ({known.amount} in {known.place})"
        remove: Callable[[], object] = lifecycle.delete_data
    elif earlier:
        # Those of the other kind of server are asked for by themselves: they may be forgotten.
        (folder, size_bytes), *earlier = earlier
        what = f"the data of an earlier sidecar ({units.size(size_bytes)} in {folder})"
        remove = partial(lifecycle.delete_earlier_data, folder)
    else:
        _show("There are no data of `sidecar-magics up` here.")
        return 0
    if not is_agreed and not _is_agreed(f"Remove {what} for good?"):
        _show("Nothing was removed.")
        return 1
    remove()
    _show(f"Removed {what}.")
    for folder, size_bytes in earlier:
        _show(
            f"Data of an earlier sidecar remain: {units.size(size_bytes)} in {folder}; "
            "the same command again removes them."
        )
    return 0


def _is_agreed(question: str) -> bool:
    """Ask on a terminal; without one the answer is no."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise SettingsError(
            "--delete-data asks first, and there is no terminal to ask on.", hint="add --yes."
        )
    try:
        return input(f"{question} Type `yes`: ").strip().lower() == "yes"
    except EOFError:
        return False


def _status(arguments: argparse.Namespace) -> None:
    """Show whether the server that `up` started is running, where its data is, how to log in."""
    from .local import lifecycle  # noqa: PLC0415

    known = lifecycle.status()
    _show(json.dumps(known.to_dict(), indent=1) if arguments.json else known)


def _logs(arguments: argparse.Namespace) -> None:
    """Show the log of the server that `up` started."""
    from .local import lifecycle  # noqa: PLC0415

    for line in lifecycle.logs(lines=arguments.lines, follow=arguments.follow):
        _show(line)


if __name__ == "__main__":
    sys.exit(main())
