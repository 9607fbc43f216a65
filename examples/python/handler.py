#!/usr/bin/env python3
"""A Lambda function in Python: reads a line, prints a line, needs nothing but the standard library."""

import json
import os
import re
import sys
import traceback


class ExampleError(Exception):
    pass


def handle(event, context):
    """The function itself: an event in, a result out, an exception where it cannot."""
    match event:
        case {"fail": str(reason)}:
            raise ExampleError(reason)
        case {"echo": value}:
            return value
        case {"name": str(name)}:
            print("greeting", name)  # a log line
            return {"greeting": f"Hello, {name}!"}
        case _:
            raise ValueError("expected name or fail with a text, or echo")


# The rest is the same whatever the function does.

FIRST_ID = re.compile(rb'\s*{\s*"id"\s*:\s*"(\w+)"')


def dump(reply):
    # Python would print Infinity, which no JSON reader takes.
    return json.dumps(reply, separators=(",", ":"), allow_nan=False)


def answer(line):
    """One reply to one request, tagged with the request's id."""
    first = FIRST_ID.match(line)
    try:
        request = json.loads(line)
        return dump({"id": request["id"], "result": handle(request["event"], request["context"])})
    except Exception as error:
        # Its id stands first in every request, so that one which json refuses is answered, too.
        # A line without one is no request, and there is nobody to answer.
        if not first:
            raise
        reply = {
            "errorType": type(error).__name__,
            "errorMessage": str(error),
            "stackTrace": traceback.format_exception(error),
        }
        return dump({"id": first[1].decode(), "error": reply})


def main():
    # Replies get a copy of standard output, and standard output itself becomes the log: whatever
    # prints from here on, a library or a child process included, cannot land in a reply.
    replies = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    sys.stdout.reconfigure(line_buffering=True)
    # Events may be nested deeper than Python calls functions by default.
    sys.setrecursionlimit(5_000)
    # Bytes, not text: the reader is then the same under every locale.  The end of input means stop.
    for line in sys.stdin.buffer:
        if line.strip():
            print(answer(line), file=replies, flush=True)


if __name__ == "__main__":
    main()
