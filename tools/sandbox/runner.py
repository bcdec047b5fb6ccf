"""Runs the code on stdin like a notebook cell. Passed to the sandbox's interpreter as text; stdlib imports only.

The value of a last expression is printed. A traceback shows the code's own lines only.
"""

import ast
import linecache
import os
import sys
import traceback
import types

NAME = "main.py"


def run(source: str) -> None:
    """Run the code as the main module, from the working directory."""
    sys.path.insert(0, os.getcwd())
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    sys.argv = [NAME]
    linecache.cache[NAME] = (len(source), None, source.splitlines(keepends=True), NAME)
    tree = ast.parse(source, NAME)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, NAME, "exec"), main.__dict__)  # noqa: S102 - what it is for
    if isinstance(last, ast.Expr):
        value = eval(compile(ast.Expression(last.value), NAME, "eval"), main.__dict__)  # noqa: S307 - as above
        if value is not None:
            print(repr(value))  # noqa: T201 - to the reader of the cell


def main() -> None:
    """Read, run, and fail as a script would."""
    source = sys.stdin.buffer.read().decode("utf-8", "replace")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.nice(10)
    try:
        run(source)
    except Exception as error:  # noqa: BLE001 - the code may raise anything
        below = error.__traceback__
        while below and below.tb_frame.f_code.co_filename != NAME:
            below = below.tb_next
        traceback.print_exception(error.with_traceback(below), limit=-20)
        sys.exit(1)


if __name__ == "__main__":
    main()
