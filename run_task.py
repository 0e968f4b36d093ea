"""The program: run, simulate, check, preview, recover, emulate. See README.md."""

import sys

if __name__ == "__main__":
    # inside the guard: the cuff's supervisor process imports this file and must stay small
    if sys.argv[1:] == ["stop"]:  # at once, whatever state the rest of the program is in
        from scc_task.cli_stop import main
    else:
        from scc_task.cli import main

    sys.exit(main())
