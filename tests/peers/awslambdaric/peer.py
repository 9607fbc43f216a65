"""A function on AWS's own Python runtime, started as `python3 -m awslambdaric peer.answer`."""


import os
import time


class Mine(Exception):
    """The handler's own error."""


def answer(event, context):
    """Echo every event but three words, which end an invocation in other ways."""
    if event == "fail":
        raise Mine("no")
    if event == "exit":
        os._exit(9)
    if event == "sleep":
        time.sleep(1000)
    return event
