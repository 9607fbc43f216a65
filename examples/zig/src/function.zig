//! A Lambda function in Zig: reads a line, prints a line, needs nothing but the standard library.
//!
//! This file is yours: the function and its event.  main.zig is the loop that calls it.

const std = @import("std");
const main = @import("main.zig");

/// What callers send.  A `[]const u8` would take an array of numbers for a string, so a `Value` is asked.
pub const Event = struct {
    name: ?std.json.Value = null,
    fail: ?std.json.Value = null,
    /// Raw text keeps numbers, key order and duplicate keys as they came.
    echo: main.Raw = .{},
};

/// The function itself: an event in, a result's JSON text out, an error where it cannot.
/// What it allocates lasts until the reply is printed.
pub fn handle(event: Event, invocation: *main.Invocation) ![]const u8 {
    if (event.fail) |reason| switch (reason) {
        .string => |text| return invocation.fail(error.ExampleError, text),
        else => return invocation.fail(error.InvalidEvent, "fail is not a string"),
    };
    if (event.echo.text.len > 0) return event.echo.text;
    if (event.name) |name| switch (name) {
        .string => |text| {
            std.log.info("greeting {s}", .{text}); // a log line
            const greeting = try std.fmt.allocPrint(invocation.arena, "Hello, {s}!", .{text});
            return std.json.Stringify.valueAlloc(invocation.arena, .{ .greeting = greeting }, .{});
        },
        else => return invocation.fail(error.InvalidEvent, "name is not a string"),
    };
    return invocation.fail(error.InvalidEvent, "expected name, fail or echo");
}
