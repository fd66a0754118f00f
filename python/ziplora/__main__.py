"""The command `ziplora`: becomes the program, once it is known that its LibTorch is here."""

import json
import os
import sys

from ziplora.errors import Error
from ziplora.program import cannot_start, program_and_environment


def main() -> None:
    try:
        program, environment = program_and_environment()
        try:
            os.execve(program, ["ziplora", *sys.argv[1:]], environment)
        except OSError as refused:
            raise cannot_start(program, refused.strerror or str(refused)) from refused
    except Error as error:
        if "--json" in sys.argv:
            print(json.dumps({"event": "error", "exit_code": error.exit_code, "kind": error.kind, "where": error.where,
                              "problem": error.problem, "hint": error.hint}), file=sys.stderr)
        else:
            print(f"error: {error.where}: {error.problem}\nhint: {error.hint}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
