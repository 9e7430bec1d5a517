"""The command `switchboard` with all its areas, for those who want all of it at once: tests, and shell completion."""

from switchboard.cli.areas import command_line

app = command_line()
