#!/usr/bin/env python3
"""A Lambda function in Python: reads a line, prints a line."""

import json
import sys

for line in sys.stdin:
    request = json.loads(line)
    reply = {"greeting": f"Hello, {request['event']['name']}!"}
    print(json.dumps({"id": request["id"], "result": reply}), flush=True)
