#!/usr/bin/env python
"""Django's command line, with the embedded database and Redis at hand where none is named."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mpsite.settings")
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    if command == "quickstart":
        from mpsite import quickstart

        quickstart.main(sys.argv[2:])
        return
    from mpsite import embedded

    try:
        # Settings are read after this, so that they find the servers' addresses in the environment.
        if command not in embedded.COMMANDS_WITHOUT_SERVERS:
            embedded.attach_or_start()
    except embedded.EmbeddedServerError as error:
        sys.exit(str(error))
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
