#!/bin/sh
# Tries a handler through bare pipes, with neither Lambda nor lambda-stdio: ./test.sh PROGRAM [ARGS...]

# The cases: an event and its result, or an event and its error's type and message.
cases() {
    answers '{"name":"Ada"}' '{"greeting":"Hello, Ada!"}'
    answers '{"name":"Zoë"}' '{"greeting":"Hello, Zoë!"}'
    fails '{"fail":"out of paper"}' ExampleError 'out of paper'
    answers '{"echo":{"a":[1,true,null,"x\n"]}}' '{"a":[1,true,null,"x\n"]}'
}
limit=20 # seconds, for all of them together
answers() {
    ask "$1"
    test "$(plain "$got")" = "$(plain "{\"result\":$2}")"
    tell $? "$1" "{\"id\":\"$id\",\"result\":$2}" "$got"
}
fails() {
    ask "$1"
    plain "$got" | grep '^{"error":{.*}}$' | grep -F "\"errorType\":\"$2\"" | grep -qF "\"errorMessage\":\"$3\""
    tell $? "$1" "{\"id\":\"$id\",\"error\":{\"errorType\":\"$2\",\"errorMessage\":\"$3\",...}}" "$got"
}
ask() { # The input stays open, so a reply that is not flushed does not come.
    count=$((count + 1)) && id=case$count got=
    send "{\"id\":\"$id\",\"event\":$1,\"context\":{}}" >&3
    receive <&4 && return
    tell 1 "$1" 'a reply while its input is open: is it flushed?' "${got:-nothing}; $(status)" && exit 1
}
send() {
    [ "$framing" = length ] || { printf ' %s\n' "$1" && return; }
    for bits in 24 16 8 0; do printf '%b' "\\0$(printf %o $((${#1} >> bits & 255)))"; done && printf '%s' "$1"
}
receive() { # A line without an id is a log line.
    while [ "$framing" = lines ]; do IFS= read -r got || return; case $got in *'"id"'*) return ;; esac; done
    while size=0x$(dd bs=1 count=4 | od -An -tx1 | tr -d ' \n'); do
        [ "$size" != 0x ] && got=$(dd bs=1 count=$((size))) || return
        case $got in *'"ready":'*) ;; *) return ;; esac # With LAMBDA_STDIO_READY=line it comes first.
    done
}
plain() { # JSON without what replies may differ in: white space, the place of the id, an escaped ë.
    printf '%s\n' "$1" | sed -E -e ':a' -e 's/^(([^" ]*"([^"\\]|\\.)*")*[^" ]*) +/\1/;ta' \
        -e "s/\"id\":\"$id\",//;s/,\"id\":\"$id\"}\$/}/;s/\\\\u00[eE][bB]/ë/g"
}
tell() {
    [ "$1" -ne 0 ] || { printf 'ok     %s\n' "$2" && return; }
    failed=1 && printf 'FAILED %s\n         expected %s\n         got      %s\n' "$2" "$3" "$4"
}
status() { sed 's/^/exit status /' "$dir/status" || echo "still running after $limit seconds"; }

[ $# -gt 0 ] || { echo "usage: $0 PROGRAM [ARGS...]" >&2 && exit 1; }
failed=0 count=100000000000 framing=${LAMBDA_STDIO_FRAMING:-lines} dir=$(mktemp -d) && mkfifo "$dir/in" "$dir/out" || exit 1
unset PYTHONUNBUFFERED && export LC_ALL=C # The one would hide a flush that is missing, the other lets no locale help.
# The program and a watchdog are a session of their own, of which nothing is left behind.
# shellcheck disable=SC2016
setsid sh -c '(sleep "$2"; kill -KILL 0) >/dev/null & status=$1; shift 2; "$@"; echo $? >"$status"; kill -KILL 0' \
    "$0" "$dir/status" "$limit" "$@" <"$dir/in" >"$dir/out" 2>"$dir/log" &
trap 'test $failed = 0 || tail "$dir/log"; kill -KILL -$!; rm -r "$dir"' EXIT
trap 'exit 1' HUP INT TERM && trap '' PIPE && exec 2>/dev/null # It may end before it has read.
exec 3>"$dir/in" 4<"$dir/out" && cases
exec 3>&- && wait $!
test "$(status)" = 'exit status 0'; tell $? 'the end of its input' 'exit status 0' "$(status)"
exit $failed
