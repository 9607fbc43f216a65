#!/usr/bin/env python3
"""A Lambda function in Python: reads a line, prints a line, needs nothing but the standard library."""

import json
import os
import sys
import traceback

# Replies get a copy of standard output, and standard output itself becomes the log: whatever prints
# from here on, a library or a child process included, can no longer land in the middle of a reply.
replies = os.fdopen(os.dup(1), "w", encoding="ascii")
os.dup2(2, 1)
sys.stdout.reconfigure(line_buffering=True)


class ExampleError(Exception):
    pass


def handle(event, context):
    """The function itself: an event in, a result out, an exception where it cannot."""
    match event:
        case {"fail": reason}:
            raise ExampleError(reason)
        case {"echo": value}:
            return value
        case {"name": name}:
            print("greeting", name)  # a log line
            return {"greeting": f"Hello, {name}!"}
        case _:
            raise ExampleError("expected name, fail or echo")


def answer(request):
    """One reply to one request, tagged with the request's id."""
    try:
        reply = {"id": request["id"], "result": handle(request["event"], request["context"])}
        # Python would print Infinity, which no JSON reader takes.
        return json.dumps(reply, separators=(",", ":"), allow_nan=False)
    except Exception as error:
        reply = {
            "errorType": type(error).__name__,
            "errorMessage": str(error),
            "stackTrace": traceback.format_exception(error),
        }
        return json.dumps({"id": request["id"], "error": reply}, separators=(",", ":"))


# Bytes, not text: the reader is then the same under every locale.  The end of input means stop.
for line in sys.stdin.buffer:
    if line.strip():  # a space may come before the first line, and then nothing at all
        print(answer(json.loads(line)), file=replies, flush=True)
