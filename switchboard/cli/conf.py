"""`switchboard conf`: Asterisk's configuration, rendered from a centre, and an existing Asterisk examined."""

import json
import shlex
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from asterisk_conf.check import ConsoleUnreachable, Finding
from asterisk_conf.check import check as examine
from asterisk_conf.render import render as render_files
from asterisk_conf.render import write
from switchboard.centre import load_centre
from switchboard.centre.files import read_files
from switchboard.centre.sounds import value_voice
from switchboard.site import asterisk_site

app = typer.Typer(help="Asterisk's configuration: render it, check an Asterisk against it.", no_args_is_help=True)
console = Console(highlight=False, soft_wrap=True)

CONSOLE_TIMEOUT_S = 15
HEADER = "; Rendered by Switchboard"
DirectoryArgument = Annotated[Path, typer.Argument(help="The centre's directory.")]


@app.command()
def render(
    directory: DirectoryArgument,
    out: Annotated[Path, typer.Argument(help="Where to write the files; it is made if needed.")],
    force: Annotated[bool, typer.Option("--force", help="Also replace files that Switchboard did not write.")] = False,
) -> None:
    """Write the Asterisk configuration that a centre needs.

    On an Asterisk that serves nothing else, OUT may be /etc/asterisk. Otherwise write it elsewhere and `#include` what
    you want from your own files.
    """
    files = render_files(asterisk_site(load_centre(directory)))
    foreign = [name for name in files if not _is_ours(out / name)]
    if foreign and not force:
        typer.echo(f"{out} has files that Switchboard did not write: {', '.join(foreign)}", err=True)
        typer.echo("Choose another directory and include them from there, or replace them with --force.", err=True)
        raise typer.Exit(2)
    write(files, out)
    for name in files:
        console.print(escape(str(out / name)))
    console.print("\nOnly their owner can read them, as they hold secrets: give them to the user that runs Asterisk.")
    console.print(f"Then restart Asterisk and type `switchboard conf check {escape(shlex.quote(str(directory)))}`.")


@app.command()
def check(
    directory: DirectoryArgument,
    asterisk: Annotated[
        str, typer.Option(help="How to start Asterisk's console client here, such as `sudo asterisk`.")
    ] = "asterisk",
    as_json: Annotated[bool, typer.Option("--json", help="The findings as JSON.")] = False,
) -> None:
    """Examine an Asterisk: does it have, allow and reach all that the centre needs?

    Exit code 0: all that could be looked at holds. 1: something does not hold.
    """
    centre = load_centre(directory)

    def run(command: str) -> str:
        return _asterisk_console(shlex.split(asterisk), command)

    rendered = read_files(centre.directory).rendered
    sounds = {tag: names | rendered.get(tag, frozenset()) for tag, names in centre.sounds.items()}
    voiced = [tag for tag in centre.languages if value_voice(centre.settings.speech, tag, "number")]
    findings = list(examine(asterisk_site(centre), run, sounds, voiced))
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False))
    else:
        console.print(_table(findings))
    raise typer.Exit(int(any(finding.holds is False for finding in findings)))


def _is_ours(path: Path) -> bool:
    """Whether the file may be replaced: it is not there, or Switchboard wrote it."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.readline().startswith(HEADER)
    except FileNotFoundError:
        return True


def _asterisk_console(program: list[str], command: str) -> str:
    try:
        done = subprocess.run(
            [*program, "-rx", command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=CONSOLE_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConsoleUnreachable(f"`{shlex.join(program)} -rx` cannot be used: {error}") from None
    if done.returncode != 0:
        raise ConsoleUnreachable((done.stdout + done.stderr).strip() or f"it ended with code {done.returncode}")
    return done.stdout


_MARKS = {True: "[green]holds[/green]", False: "[red]does not hold[/red]", None: "[yellow]unknown[/yellow]"}


def _table(findings: list[Finding]) -> Table:
    table = Table("what", "", "found", "how to mend it", title_justify="left")
    for finding in findings:
        table.add_row(escape(finding.subject), _MARKS[finding.holds], escape(finding.found), escape(finding.mend))
    return table
