"""A runtime that does to the Runtime API what its events say, also what no decent runtime does.

An event is a list of steps, each a list: a verb and its arguments.  What the Runtime API answers to each post
is written to $D/heard, and the headers of each delivery to $D/headers.  In a path, ID is the id of the
invocation and OLD that of the one before.
"""

import http.client, json, os, signal, socket, sys, time

D = os.environ["D"]
API = os.environ["AWS_LAMBDA_RUNTIME_API"]
RUNTIME = "/2018-06-01/runtime/"
id, old, raw = "none-yet", "none-before", None


def note(file, text):
    with open(os.path.join(D, file), "a") as out:
        out.write(text + "\n")


def ask(method, path, headers={}, body=None):
    """One request on a connection of its own: what was refused half-way spoils no other."""
    api = http.client.HTTPConnection(API, timeout=60)
    api.request(method, RUNTIME + path, body, headers)
    reply = api.getresponse()
    return reply, reply.read()


def post(path, body, headers={}):
    reply, said = ask("POST", path.replace("ID", id).replace("OLD", old), headers, body.encode())
    note("heard", f"{path}: {reply.status} {said.decode().strip()}")


def stream(pieces, headers, trailers):
    """A streamed response: chunks, and what trailers say behind them."""
    host, port = API.split(":")
    with socket.create_connection((host, int(port)), timeout=60) as link:
        head = f"POST {RUNTIME}invocation/{id}/response HTTP/1.1\r\nHost: {API}\r\nTransfer-Encoding: chunked\r\n"
        for name, value in headers.items():
            head += f"{name}: {value}\r\n"
        if trailers:
            head += "Trailer: " + ", ".join(trailers) + "\r\n"
        link.sendall(head.encode() + b"Connection: close\r\n\r\n")
        for piece in pieces:
            raw = piece.encode()
            link.sendall(b"%x\r\n%s\r\n" % (len(raw), raw))
        end = "0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in trailers.items())
        link.sendall(end.encode() + b"\r\n")
        said = b""
        while more := link.recv(65536):
            said += more
    head, _, body = said.partition(b"\r\n\r\n")
    note("heard", f"stream: {head.split()[1].decode()}")


def step(verb, *rest):
    if verb == "post":
        post(*rest)
    elif verb == "large":
        post("invocation/ID/response", "x" * rest[0])
    elif verb == "stream":
        stream(*rest)
    elif verb == "half":
        # Announces more than it sends.
        host, port = API.split(":")
        with socket.create_connection((host, int(port)), timeout=60) as link:
            link.sendall(f"POST {RUNTIME}invocation/{id}/response HTTP/1.1\r\nHost: {API}\r\n"
                         f"Content-Length: 10\r\n\r\nhalf".encode())
            link.shutdown(socket.SHUT_WR)
            # Until it was seen: what is asked next must not overtake it.
            while link.recv(65536):
                pass
    elif verb == "again":
        reply, said = ask("GET", "invocation/next")
        note("heard", f"next: {reply.status} {'the same event' if said == raw else said.decode()}")
    elif verb == "print":
        print(rest[0], flush=True)
        print(rest[1], file=sys.stderr, flush=True)
    elif verb == "exit":
        os._exit(rest[0])
    elif verb == "kill":
        os.kill(os.getpid(), rest[0])
    elif verb == "sleep":
        time.sleep(rest[0])


def on_term(*_):
    note("signals", "TERM")
    os._exit(0)


signal.signal(signal.SIGTERM, on_term)
note("started", str(os.getpid()))
note("environment", json.dumps(dict(os.environ)))
for first in json.loads(os.environ.get("AT_START", "[]")):
    step(*first)
while True:
    next, raw = ask("GET", "invocation/next")
    old, id = id, next.headers["Lambda-Runtime-Aws-Request-Id"]
    note("headers", json.dumps({name.lower(): value for name, value in next.headers.items()}))
    for each in json.loads(raw):
        step(*each)
