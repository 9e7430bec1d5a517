"""The entry point `switchboard`: Ctrl-C while Python still loads ends it as silently as later."""

import sys


def main() -> None:
    """Loads the commands, runs the one asked for, and exits with its code."""
    try:
        from switchboard.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
