"""A function on AWS's own Python runtime, started as `python3 -m awslambdaric peer.answer`."""


class Mine(Exception):
    """The handler's own error."""


def answer(event, context):
    """Echo every event; the event `"fail"` is answered with an error."""
    if event == "fail":
        raise Mine("no")
    return event
