#!/usr/bin/env node
// A Lambda function in JavaScript: reads a line, prints a line.
const { createInterface } = require("node:readline");

createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, event } = JSON.parse(line);
  console.log(JSON.stringify({ id, result: { greeting: `Hello, ${event.name}!` } }));
});
