"""The magics: each parses its line, makes one call and returns what that returns."""

from __future__ import annotations

import contextlib
import keyword
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class
from traitlets import Enum, Integer, TraitType, Unicode

from . import display, lines, misnamed, options
from .errors import UsageError
from .previews import preview
from .settings import FIELDS, TLS_MODES, Secret, resolve

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from .doctor import Diagnosis
    from .dump import DumpReport
    from .keep import Keeper, KeepStatus
    from .load.check import CheckReport
    from .load.planning.explain import LoadPlan
    from .load.reporting.report import LoadReport
    from .settings import ConnectionSettings
    from .sidecar import Sidecar


class SecretTrait(TraitType):  # type: ignore[type-arg]  # no parameters before traitlets 5.10
    """A password that ``%config`` can set but not show."""

    info_text = "a text, never shown"

    def validate(self, obj: Any, value: Any) -> Secret | None:
        """Take a text or None."""
        if value is None or isinstance(value, str):
            return None if value is None else Secret(value)
        raise self.error(obj, None)


def is_variable(name: str) -> bool:
    """Return whether a variable can have this name."""
    return name.isidentifier() and not keyword.iskeyword(name)


@magics_class
class SidecarMagics(Magics):
    """Wait for the MySQL sidecar, load a script into it, connect DataJoint.

    Values set by ``%config SidecarMagics.name = value`` or in ``ipython_config.py`` rank after an
    option on the line, and before the environment.
    """

    host = Unicode(None, allow_none=True, help="Name or address of the server.").tag(config=True)
    port = Integer(None, allow_none=True, help="TCP port of the server.").tag(config=True)
    user = Unicode(None, allow_none=True, help="Account to log in with.").tag(config=True)
    password = SecretTrait(
        None, allow_none=True, help="Its password; rather use the environment."
    ).tag(config=True)
    tls = Enum(
        [None, *TLS_MODES], None, help="auto: encrypt where the server can; required: or refuse."
    ).tag(config=True)
    ca = Unicode(
        None, allow_none=True, help="File of the authority to check the server's certificate with."
    ).tag(config=True)

    # Defaults for the next lines: options of the last successful %mysql_wait, or %mysql_up's login.
    _remembered: Mapping[str, Any] | None = None
    _keeper: Keeper | None = None

    @line_magic
    @options.magic_arguments(options.WAIT)
    def mysql_wait(self, line: str) -> Sidecar | ConnectionSettings | None:
        """Wait until the MySQL sidecar can be used, and return it.

        The result has ``.engine()`` for pandas and JupySQL, ``.connect()`` and ``.url``.
        """
        from .wait import wait  # noqa: PLC0415 - nothing is imported before it is used

        arguments = self._parse("mysql_wait", line)
        settings = self._settings(arguments)
        if arguments.show:
            return settings
        shown = display.WaitDisplay(display.line(quiet=arguments.quiet), settings.address)
        with shown:
            sidecar = wait(settings, timeout_s=arguments.timeout, progress=shown.progress)
            shown.ready(sidecar)
        given = options.connection_options(arguments).items()
        earlier = self._earlier(arguments) or {}
        self._remembered = {**earlier, **{k: v for k, v in given if v is not None}}
        return sidecar

    @line_magic
    @options.magic_arguments(options.UP)
    def mysql_up(self, line: str) -> Sidecar:
        """Start a private MySQL server on this machine, or find the one that runs; return it.

        It outlives the notebook; `sidecar-magics down` in a terminal stops it. From this line on
        the other magics mean this server, whatever the environment or an earlier line said.
        """
        from .fetching import Downloading, Pulling  # noqa: PLC0415
        from .local import lifecycle  # noqa: PLC0415
        from .local.process import settings_for  # noqa: PLC0415
        from .wait import wait  # noqa: PLC0415

        arguments = self._parse("mysql_up", line)
        quiet = arguments.quiet
        shown = display.line(quiet=quiet)
        with Downloading(quiet=quiet) as download, Pulling(quiet=quiet) as layers:
            started = lifecycle.up(
                **options.starting_options(arguments),
                progress=shown.update,
                download=download,
                layers=layers,
            )
        shown.finish(f"{started}: {'ready' if started.started else 'already up'}.")
        login = {name: getattr(started, name) for name in ("host", "port", "user")}
        self._remembered = {**login, "password": Secret(started.password), "line": "%mysql_up"}
        return wait(settings_for(started.port, started.password), timeout_s=arguments.timeout)

    @line_cell_magic
    @options.magic_arguments(options.LOAD)
    def mysql_load(
        self, line: str, cell: str | None = None
    ) -> LoadReport | CheckReport | LoadPlan | None:
        """Load a SQL script into the sidecar: a file, or the cell's own text.

        The result is a report of the load, or with --check or --explain of what it would do. Its
        ``.result`` has the rows of the cell's last query.
        """
        from .load import load, load_sql  # noqa: PLC0415

        arguments = self._parse("mysql_load", line)
        lines.check_load(arguments, cell)
        if arguments.check or arguments.explain:
            return preview(arguments, self._settings(arguments), cell=cell)
        shown = display.LoadDisplay(display.line(quiet=arguments.quiet), arguments.file or "cell")
        keywords = {**options.loading_options(arguments), "progress": shown.progress}
        settings = self._settings(arguments)
        with shown:
            if cell is None:
                report = load(arguments.file, settings, **keywords)
            else:
                report = load_sql(cell, settings, first_line=2, **keywords)
            shown.loaded(report)
        return report

    @line_magic
    @options.magic_arguments(options.DUMP)
    def mysql_dump(self, line: str) -> DumpReport:
        """Dump schemas of the sidecar into a SQL script, as they are at one moment.

        The dump is complete or not there: a file of the same name is replaced only at the end. The
        result is a report of the dump's content.
        """
        from .dump import dump  # noqa: PLC0415

        arguments = self._parse("mysql_dump", line)
        lines.check_dump(arguments)
        shown = display.DumpDisplay(display.line(quiet=arguments.quiet), arguments.file)
        keywords = {**options.dumping_options(arguments), "progress": shown.progress}
        with shown:
            report = dump(arguments.file, self._settings(arguments), **keywords)
            shown.dumped(report)
        return report

    @line_magic
    @options.magic_arguments(options.KEEP)
    def mysql_keep(self, line: str) -> KeepStatus:
        """Keep the sidecar's data in your home folder, and restore it into a new sidecar.

        From this line on, changed data is kept every few minutes, and when the kernel ends.
        Accounts and settings of the server are not kept.
        """
        arguments = self._parse("mysql_keep", line)
        action = options.keep_action(arguments)
        if arguments.state is not None:
            raise UsageError("--state is for terminals and containers.", hint="leave it out.")
        keeper = self._keeper_for(arguments, begins=action == "begin")
        shown = display.KeepDisplay(display.line(quiet=arguments.quiet))
        with shown:
            status = keeper.act(
                action, arguments.restore, restoring=shown.progress, dumping=shown.progress
            )
            if action == "begin":
                self._continue_with(keeper)
            shown.kept(status)
        return status

    def _keeper_for(self, arguments: argparse.Namespace, *, begins: bool) -> Keeper:
        """Return the keeper of the server that a line means: the one at work, or a new one."""
        from .keep import KeepPolicy, keep  # noqa: PLC0415

        settings, chosen = self._settings(arguments), options.keeping_options(arguments)
        there, wanted = self._keeper, KeepPolicy(**chosen)
        if there is not None and there.settings == settings:
            is_there = not begins and arguments.folder in (None, there.policy.folder)
            if there.policy == wanted or is_there:
                return there
        if begins and there is not None and there.policy.folder == wanted.folder:
            self.end_keeping()  # one at a time may write there
        return keep(settings, begins=False, **chosen)

    def _continue_with(self, keeper: Keeper) -> None:
        """Let a keeper that has begun be this kernel's; one before it ends only now."""
        if keeper is self._keeper:
            return
        self.end_keeping()
        self._keeper = keeper
        if self.shell is not None:
            self.shell.events.register("pre_run_cell", self._warn)

    def end_keeping(self) -> None:
        """Stop this kernel's keeper."""
        if self._keeper is None:
            return
        ended, self._keeper = self._keeper, None
        ended.stop()
        if self.shell is not None:
            with contextlib.suppress(ValueError):  # it may have been reset
                self.shell.events.unregister("pre_run_cell", self._warn)

    def _warn(self, *_: object) -> None:
        """Show, before a cell, that keeping has failed meanwhile."""
        problem = None if self._keeper is None else self._keeper.news()
        if problem is not None:
            display.line().finish(f"%mysql_keep: {problem}")

    @line_magic
    @options.magic_arguments(options.CONNECT)
    def datajoint_connect(self, line: str) -> ConnectionSettings | None:
        """Connect DataJoint to the sidecar, without a question asked."""
        from . import dj  # noqa: PLC0415

        arguments = self._parse("datajoint_connect", line)
        if arguments.assign is not None and not is_variable(arguments.assign):
            raise UsageError(
                f"--assign: {arguments.assign!r} cannot be a variable's name.",
                hint="give a name such as --assign conn.",
            )
        if arguments.save and arguments.spyglass is None:
            raise UsageError(
                "--save writes what --spyglass sets, which is not given.",
                hint="add --spyglass BASE_DIR.",
            )
        file = None if arguments.config is None else dj.ConfigFile.read(arguments.config)
        settings = dj.resolve_target(
            options.connection_options(arguments),
            config={name: getattr(self, name) for name in FIELDS},
            earlier=self._earlier(arguments),
            config_file=file,
        )
        if arguments.show:
            return settings
        shown = display.ConnectDisplay(display.line(quiet=arguments.quiet), settings.address)
        with shown:
            connected = dj.connect(
                settings,
                reset=arguments.reset,
                wait_s=arguments.wait,
                config_file=file,
                spyglass=arguments.spyglass,
                save_to=dj.save_path(file) if arguments.save else None,
                progress=shown.progress,
            )
            shown.connected(connected)
        if arguments.assign is not None and self.shell is not None:
            self.shell.push({arguments.assign: connected.connection})
        return None

    @line_magic
    @options.magic_arguments(options.DOCTOR)
    def mysql_doctor(self, line: str) -> Diagnosis:
        """Check settings, server, exposure and packages, and show what to do about problems.

        It changes nothing, and does not wait. The result has ``.ok`` and ``.to_dict()``.
        """
        from .doctor import examine  # noqa: PLC0415

        arguments = self._parse("mysql_doctor", line)
        return examine(lambda: self._settings(arguments))

    def misnamed(self, kind: str, name: str, line: str, cell: str | None = None) -> Any:
        """Run a magic that was not there when its cell was read; ask what was meant if it is not.

        Raises
        ------
        UsageError
            There is none; the hint names the one of ours that it is like.
        """
        shell = self.shell
        if shell is None or not misnamed.is_there(shell, kind, name):
            raise misnamed.error_for(name, kind, line)
        if cell is None:
            return shell.run_line_magic(name, line, 2)
        return shell.run_cell_magic(name, line, cell)

    def _parse(self, magic: str, line: str) -> argparse.Namespace:
        return lines.parse(getattr(self, magic).parser, magic, line)

    def _settings(self, arguments: argparse.Namespace) -> ConnectionSettings:
        return resolve(
            options.connection_options(arguments),
            config={name: getattr(self, name) for name in FIELDS},
            earlier=self._earlier(arguments),
        )

    def _earlier(self, arguments: argparse.Namespace) -> Mapping[str, Any] | None:
        """Return the options of earlier lines that hold for this one.

        The login of a %mysql_up is for that server alone: if this line names another server, the
        password is not sent there.
        """
        is_own = "line" in (self._remembered or {})
        names_another = arguments.host is not None or arguments.port is not None
        return None if is_own and names_another else self._remembered
