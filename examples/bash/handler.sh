#!/bin/bash
# A Lambda function in Bash: one jq takes the events apart, Bash does the work and prints the replies.
set -uo pipefail

# What the function wants of an event, in jq: an action and its argument, or an error.
wanted='
    if type != "object" then error("expected an object")
    elif (.fail | type) == "string" then ["fail", .fail]
    elif has("echo") then ["echo", (.echo | tojson)]
    elif (.name | type) == "string" then ["greet", .name]
    else error("expected name or fail with a text, or echo")
    end'

# The function itself, which ends with `result JSON` or `fail TYPE MESSAGE`; a command that fails is an
# error, too.  What it prints is logged.
handle() {
    local action=$1 argument=$2
    case $action in
    fail) fail ExampleError "$argument" ;;
    echo) result "$argument" ;;
    greet)
        echo "greeting $argument"
        result "{\"greeting\":$(json_string "Hello, $argument!")}"
        ;;
    esac
}

# The rest is the same whatever the function does.

result() {
    # JSON has line ends only between its values, and a reply has none.
    [[ $1 != *$'\n'* ]] || set -- "$(tr '\n' ' ' <<<"$1")"
    printf '"result":%s\n' "$1" >&3
    exit 0
}

fail() {
    local stack='' i
    for ((i = 1; i < ${#FUNCNAME[@]}; i++)); do
        stack+=${stack:+,}$(json_string "at ${FUNCNAME[i]} (${BASH_SOURCE[i]}:${BASH_LINENO[i - 1]})")
    done
    echo "\"error\":{\"errorType\":\"$1\",\"errorMessage\":$(json_string "$2"),\"stackTrace\":[$stack]}" >&3
    exit 1
}

# Any text as a JSON string; a short one without control characters needs no process.
json_string() {
    local text=$1
    if [[ ${#text} -gt 1000 || $text == *[[:cntrl:]]* ]]; then
        jq --raw-input --slurp --compact-output . < <(printf '%s' "$text")
    else
        text=${text//\\/\\\\}
        printf '"%s"' "${text//\"/\\\"}"
    fi
}

# One jq for all events, since starting one takes 30 ms or more and a round trip through this one takes
# less than 0.1 ms.  For each event it prints: id, action, and the action's argument.  It reads lines as
# text, where the id stands first, so that also a request which jq refuses is answered.
take_apart() {
    exec jq --raw-input --raw-output --unbuffered '
        def id: (capture("^\\s*{\"id\":\"(?<id>\\w+)\"") // ("not a request\n" | halt_error(1))).id;
        def wanted: '"$wanted"';
        select(test("\\S"))
        | [id] + try (fromjson.event | first(wanted, error("this event is not wanted")))
                 catch ["invalid", (tostring | split(" (while parsing")[0])]
        | @tsv'
}

# In a subshell, so that what the function does to variables and the working directory ends with it.
answer() {
    exec 3>&1 >&2
    trap 'fail CommandFailed "$BASH_COMMAND: exit status $?"' ERR
    [[ $1 != invalid ]] || fail InvalidEvent "$2"
    handle "$1" "$2"
    result null
}

set -o errtrace                   # the trap holds in functions, too
trap 'kill $! 2>/dev/null' EXIT # jq ends with us, also where a signal ends us
while IFS=$'\t' read -r id action argument; do
    printf -v argument '%b' "$argument" # @tsv escapes tabs, line ends and backslashes, and only those
    # Nothing in here may read standard input: it is the events' own pipe.
    output=$(answer "$action" "$argument" </dev/null)
    status=$?
    [[ $output ]] || output=$(fail NoResult "the function ended with status $status; see the log" 3>&1)
    # The first line, since a failure in a subshell makes the commands around it fail, too.  `%%` would
    # take minutes for 6 MB.
    [[ $output != *$'\n'* ]] || IFS= read -r output <<<"$output"
    printf '{"id":"%s",%s}\n' "$id" "$output"
done < <(take_apart)
wait $! # the end of input ends jq, and its status is ours
