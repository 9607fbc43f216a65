#!/usr/bin/env -S jq --raw-input --compact-output --unbuffered -f
# A Lambda function in jq alone: jq reads lines and prints a line for each.

def fail($type; $message): error({errorType: $type, errorMessage: $message, stackTrace: []});

# The function itself: an event in, a result out, an error where it cannot.
def handle:
  if type != "object" then fail("UnknownEvent"; "expected an object")
  elif (.fail | type) == "string" then fail("ExampleError"; .fail)
  elif has("echo") then .echo
  elif (.name | type) == "string" then {greeting: "Hello, \(.name)!"}
  else fail("UnknownEvent"; "expected name or fail with a text, or echo")
  end;

# The rest is the same whatever the function does.

# The id is taken from the line as text, where it stands first, so that also a request which jq
# refuses is answered.
def id: (capture("^\\s*{\"id\":\"(?<id>\\w+)\"") // ("not a request\n" | halt_error(1))).id;

# jq's own errors are texts, of which one quotes the whole request.
def described:
  if type == "object" then .
  else {errorType: "JqError", errorMessage: (tostring | split(" (while parsing")[0]), stackTrace: []}
  end;

select(test("\\S"))
| {id: id} + try {result: (fromjson.event | first(handle, null))} catch {error: described}
