"""A handler that does what its events say and echoes all others byte for byte; what it sees is noted in $D."""

import json, os, signal, sys, time

D = os.environ["D"]


def note(file, text):
    with open(os.path.join(D, file), "a") as out:
        out.write(text + "\n")


def say(id, rest):
    sys.stdout.buffer.write(b'{"id":"' + id.encode() + b'",' + rest + b"}\n")
    sys.stdout.buffer.flush()


def on_term(*_):
    note("signals", "TERM")
    os._exit(0)


signal.signal(signal.SIGTERM, on_term)
note("started", str(os.getpid()))
note("started", str(os.getppid()))
note("environment", json.dumps(dict(os.environ)))
umask = os.umask(0o77)
os.umask(umask)
kinds = [f"{fd} {os.readlink(f'/proc/self/fd/{fd}').split(':')[0]}" for fd in range(3)]
note("place", json.dumps({"working directory": os.getcwd(), "umask": oct(umask), "descriptors": kinds}))
if os.environ.get("AT_START") == "slow":
    time.sleep(1)

for line in sys.stdin.buffer:
    line = line.strip()
    request = json.loads(line)
    id, event = request["id"], request["event"]
    note("contexts", json.dumps(request["context"]))
    do = event.get("do") if isinstance(event, dict) else None
    if do == "error":
        say(id, b'"error":' + json.dumps(event["error"]).encode())
    elif do == "exit":
        print("last words", file=sys.stderr, flush=True)
        os._exit(event["status"])
    elif do == "kill":
        os.kill(os.getpid(), event["signal"])
        time.sleep(60)
    elif do == "sleep":
        time.sleep(60)
    elif do == "signal the bootstrap":
        os.kill(os.getppid(), event["signal"])
        time.sleep(60)
    elif do == "large":
        say(id, b'"result":"' + b"x" * event["bytes"] + b'"')
    elif do == "print":
        print("plain words", flush=True)
        print("to standard error", file=sys.stderr, flush=True)
        say(id, b'"result":null')
    else:
        say(id, b'"result":' + line[line.index(b'"event":') + 8:line.rindex(b',"context":')])
