"""`switchboard prompts`: what says each prompt, rendering what nobody has recorded, taking recordings in."""

import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from documents import nearest
from switchboard.centre import Centre, load_centre
from switchboard.centre.sounds import Spoken

# libsndfile and numpy take a second to load, which listing prompts should not pay for.
app = typer.Typer(help="Prompts: what says them, rendering them, taking recordings in.", no_args_is_help=True)
console, errors = Console(highlight=False), Console(stderr=True, highlight=False)

Directory = Annotated[Path, typer.Argument(metavar="DIR", help="The centre's directory.")]
Language = Annotated[str | None, typer.Option(help="Only this language.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
_WORDS = {
    "sounds": "sounds named in prompts.yaml",
    "recorded": "recorded",
    "rendered": "rendered",
    "missing": "not rendered yet",
    "no voice": "no recording, and no voice in settings.speech",
}


@app.command("list")
def list_(directory: Directory, language: Language = None, as_json: AsJson = False) -> None:
    """Show every prompt in every language, its text, and what callers hear of it."""
    prompts = _prompts(load_centre(directory), language)
    if as_json:
        _print_json(prompts)
    else:
        _print(prompts)


@app.command()
def missing(directory: Directory, language: Language = None, as_json: AsJson = False) -> None:
    """Show the prompts of which callers would hear nothing. Exit code 1 if there are any."""
    prompts = [one for one in _prompts(load_centre(directory), language) if not one.heard]
    if as_json:
        _print_json(prompts)
    elif prompts:
        _print(prompts)
    else:
        console.print("Every prompt can be heard in every language it has.")
    raise typer.Exit(1 if prompts else 0)


@app.command()
def render(
    directory: Directory,
    language: Language = None,
    anew: Annotated[bool, typer.Option("--again", help="Also what is there already: the engine is new.")] = False,
    clean: Annotated[bool, typer.Option("--clean", help="Delete what no prompt says any more.")] = False,
) -> None:
    """Let the voices of settings.speech say what nobody has recorded. Exit code 1 if something could not be said."""
    from switchboard.prompts import render as render_prompts
    from switchboard.prompts import unused
    from switchboard.publishing.starting import published_versions

    centre = load_centre(directory)
    prompts = [one for one in _prompts(centre, language) if one.state != "sounds"]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as shown:
        task = shown.add_task("prompts", total=len(prompts))
        done = render_prompts(centre, prompts, anew=anew, progress=lambda one: shown.advance(task))
    for one, why in done.failed:
        name = one.prompt or one.text
        console.print(f"{name} ({one.language}): {why}", markup=False, soft_wrap=True)
    silent = [one for one in prompts if one.state == "no voice"]
    if silent:
        languages = ", ".join(sorted({one.language for one in silent}))
        text = f"{len(silent)} prompts have neither a recording nor a voice; settings.speech.voices lacks {languages}."
        console.print(text, soft_wrap=True)
    if clean:
        for path in unused(load_centre(directory), published_versions(directory)):
            path.unlink()
            console.print(f"deleted {path}", markup=False, soft_wrap=True)
    console.print(f"{len(done.made)} rendered, {len(done.kept)} were there, {len(done.failed)} failed.")
    raise typer.Exit(1 if done.failed or silent else 0)


@app.command()
def play(
    prompt: Annotated[str, typer.Argument(help="The prompt's name.")],
    directory: Directory,
    language: Annotated[str | None, typer.Option(help="By default the centre's first.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write a WAV file instead of playing.")] = None,
) -> None:
    """Hear a prompt as a caller would: its recording, or what has been rendered."""
    from ivr.speech.rendering import keep
    from switchboard.sound_files import SoundMissing, as_wav

    centre = load_centre(directory)
    wanted = language or centre.languages[0]
    one = next((one for one in _prompts(centre, wanted) if one.prompt == _known(centre, prompt)), None)
    try:
        content = as_wav(centre, prompt, wanted)
    except SoundMissing as error:
        state = f" ({_WORDS[one.state]})" if one else ""
        errors.print(f"{prompt} cannot be heard in {wanted}{state}: {error}", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
    if output is not None:
        keep(output, content)
        console.print(str(output), markup=False, soft_wrap=True)
        return
    for player in (["aplay", "-q"], ["paplay"], ["play", "-q", "-t", "wav"]):
        if shutil.which(player[0]):
            file = [] if player[0] == "aplay" else ["/dev/stdin"] if player[0] == "paplay" else ["-"]
            subprocess.run([*player, *file], input=content, check=False)
            return
    errors.print("No player is here (aplay, paplay, play); write a file: --output FILE")
    raise typer.Exit(3)


@app.command()
def add(
    prompt: Annotated[str, typer.Argument(help="The prompt that the recording says.")],
    file: Annotated[Path, typer.Argument(help="WAV, MP3, FLAC or OGG.")],
    directory: Directory,
    language: Annotated[str | None, typer.Option(help="By default the centre's first.")] = None,
) -> None:
    """Take a recording in: checked, brought to the telephone's rate and to the level of all prompts."""
    from ivr.speech.audio import AudioError
    from switchboard.prompts import add_recording

    centre = load_centre(directory)
    wanted = language or centre.languages[0]
    if wanted not in centre.languages:
        raise typer.BadParameter(f"the centre does not speak {wanted!r}: {nearest(wanted, centre.languages)}")
    name = _known(centre, prompt)
    try:
        path, seconds = add_recording(centre, name, wanted, file)
    except AudioError as error:
        errors.print(f"{file}: {error}", markup=False, soft_wrap=True)
        raise typer.Exit(2) from None
    except OSError as error:
        errors.print(f"{file}: {error.strerror or error}", markup=False, soft_wrap=True)
        raise typer.Exit(3) from None
    console.print(f"{path}: {seconds:.1f} s", markup=False, soft_wrap=True)
    entry = centre.prompts.entries[name]
    if any(str(tag) == wanted and sounds for tag, sounds in entry.sounds.items()):
        console.print(f"prompts.yaml names other sounds for {name} in {wanted}; those are played", soft_wrap=True)


@app.command("engines")
def engines() -> None:
    """Show the engines of speech synthesis, and what keeps each from speaking here."""
    from asterisk_conf.root import cache_directory
    from ivr.speech.synthesis import Environment
    from ivr.speech.synthesis import engines as known

    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("engine", "here", "licence", "voices by default"):
        table.add_column(heading)
    for name, engine in known().items():
        made = engine(Environment(cache=cache_directory()))
        voices = ", ".join(f"{language} {voice}" for language, voice in engine.languages.items())
        table.add_row(name, made.missing() or "yes", engine.licence, voices)
    console.print(table)


@app.command()
def install(engine: Annotated[str, typer.Argument(help="kokoro: the one that needs setting up.")]) -> None:
    """Set up an engine of speech synthesis that no package of the system brings."""
    from asterisk_conf.root import cache_directory
    from ivr.speech.engines.kokoro import DIRECTORY
    from switchboard.kokoro_install import InstallFailed, install_kokoro

    if engine != "kokoro":
        raise typer.BadParameter(f"only kokoro is set up here, not {engine!r}; see `switchboard prompts engines`")
    try:
        install_kokoro(cache_directory() / DIRECTORY, lambda step: errors.print(step, markup=False))
    except (InstallFailed, OSError) as error:
        errors.print(str(error), markup=False, soft_wrap=True)
        raise typer.Exit(3) from None
    console.print("Kokoro is ready.")


def _known(centre: Centre, prompt: str) -> str:
    if prompt not in centre.prompts.entries:
        raise typer.BadParameter(f"there is no prompt {prompt!r}: {nearest(prompt, centre.prompts.entries)}")
    return prompt


def _prompts(centre: Centre, language: str | None) -> list[Spoken]:
    from switchboard.prompts import prompts_of

    if language is not None and language not in centre.languages:
        raise typer.BadParameter(f"the centre does not speak {language!r}: {nearest(language, centre.languages)}")
    return [one for one in prompts_of(centre) if language in (None, one.language)]


def _print(prompts: list[Spoken]) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("prompt", "language", "heard by callers"):
        table.add_column(heading, no_wrap=heading != "heard by callers")
    table.add_column("text", overflow="fold")
    whole = [one for one in prompts if not one.of_values]
    for one in whole:
        words = _WORDS[one.state] + (f" ({one.voice})" if one.voice else "")
        table.add_row(one.prompt, one.language, words, one.text)
    if whole:
        console.print(table)
        counted = Counter(one.state for one in whole)
        console.print(", ".join(f"{count} {_WORDS[state]}" for state, count in counted.items()))
    values = Counter((one.language, _WORDS[one.state], str(one.voice)) for one in prompts if one.of_values)
    for (language, state, voice), count in sorted(values.items()):
        console.print(f"{count} words of which values are made in {language}: {state} ({voice})")


def _print_json(prompts: list[Spoken]) -> None:
    keys = ("prompt", "language", "text", "state", "sound", "of_values")
    told = [
        {key: getattr(one, key) for key in keys} | {"voice": str(one.voice) if one.voice else None} for one in prompts
    ]
    print(json.dumps(told, indent=2, ensure_ascii=False))
