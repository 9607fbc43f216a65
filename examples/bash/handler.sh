#!/bin/bash
# A Lambda function in Bash: one jq takes the events apart, Bash does the work and prints the replies.
set -uo pipefail

# The function itself: prints its result as JSON, or says what is wrong and returns 1.
handle() {
    local action=$1 argument=$2
    case $action in
    fail) printf '%s' "$argument" && return 1 ;;
    echo) printf '%s' "$argument" ;;
    name)
        echo "greeting $argument" >&2 # a log line
        printf '{"greeting":%s}' "$(json_string "Hello, $argument!")"
        ;;
    *) printf 'expected name, fail or echo' && return 1 ;;
    esac
}

# Any text as a JSON string, without a process: control characters are the only ones that JSON forbids.
json_string() {
    local text=$1 code character escape
    text=${text//\\/\\\\}
    text=${text//\"/\\\"}
    if [[ $text == *[[:cntrl:]]* ]]; then
        for code in {1..31}; do
            printf -v escape '\\u%04x' "$code"
            printf -v character '%b' "$escape"
            text=${text//"$character"/"$escape"}
        done
    fi
    printf '"%s"' "$text"
}

# One jq for all events, since starting one takes 30 ms or more and a round trip through this one takes
# less than 0.1 ms.  For each event it prints: id, action, and the action's argument.
take_apart() {
    jq --unbuffered -r '
        (.event | if type == "object" then . else {} end) as $event
        | (if $event | has("fail") then ["fail", ($event.fail | tostring)]
           elif $event | has("echo") then ["echo", ($event.echo | tojson)]
           elif $event | has("name") then ["name", ($event.name | tostring)]
           else ["unknown", "-"]
           end) as $what
        | [.id] + $what
        | @tsv'
}

# The end of input ends jq, which ends the loop.  A jq that fails ends it too, and pipefail tells.
take_apart | while IFS=$'\t' read -r id action argument; do
    printf -v argument '%b' "$argument" # @tsv escapes tabs, line ends and backslashes, and only those
    # Nothing in here may read standard input: it is the events' own pipe.
    if output=$(handle "$action" "$argument" </dev/null); then
        printf '{"id":"%s","result":%s}\n' "$id" "$output"
    else
        printf '{"id":"%s","error":{"errorType":"ExampleError","errorMessage":%s,"stackTrace":[]}}\n' \
            "$id" "$(json_string "$output")"
    fi
done
