"""The entry point `switchboard`: Ctrl-C while Python still loads ends it as silently as later."""

import sys


def main() -> None:
    """Loads the command asked for, runs it, and exits with its code."""
    try:
        from switchboard.cli.areas import run

        run(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
