#!/usr/bin/env bash
# A Lambda function in Bash, with jq for what is JSON.
exec jq -c --unbuffered '{id, result: {greeting: "Hello, \(.event.name)!"}}'
