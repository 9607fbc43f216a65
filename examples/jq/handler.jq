# A Lambda function in jq alone: jq reads a stream of values and prints one line for each.
{id} + (
  try {
    result: (
      .event
      | if type != "object" then error("expected name, fail or echo")
        elif has("fail") then error(.fail)
        elif has("echo") then .echo
        elif has("name") then {greeting: "Hello, \(.name)!"}
        else error("expected name, fail or echo")
        end
    )
  } catch {
    error: {errorType: "ExampleError", errorMessage: tostring, stackTrace: []}
  }
)
