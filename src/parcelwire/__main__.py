"""``python -m parcelwire``, and the command ``parcelwire``."""

import sys


def main() -> None:
    """Run the command line; say what to install where only the client is."""
    try:
        from parcelwire.cli.main import main as run
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("click", "rich"):
            raise
        sys.stderr.write(
            "parcelwire: the commands want more than the client: pip install 'parcelwire[cli]'"
            " (or 'parcelwire[server]', to run one)\n"
        )
        sys.exit(1)
    run()


if __name__ == "__main__":
    main()
