"""The program: run, simulate, check, preview, recover, emulate. See README.md."""

import sys

if __name__ == "__main__":
    # inside the guard: the cuff's supervisor process imports this file and must stay small
    word, *more = [argument.lower() for argument in sys.argv[1:]] or [""]
    if word.lstrip("-/") == "stop" and not {"--help", "-h"} & set(more):
        from scc_task.cli_stop import main  # at once, whatever else was typed
    else:
        from scc_task.cli import main

    sys.exit(main())
