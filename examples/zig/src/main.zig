//! The loop around the function: lines of requests in, lines of replies out.

const std = @import("std");
const function = @import("function.zig");

/// One invocation: which it is and until when, and what to tell the caller if it fails.
pub const Invocation = struct {
    arena: std.mem.Allocator,
    context: Context,
    /// An error of Zig has a name and no text, so its text is kept here.
    message: ?[]const u8 = null,

    pub fn fail(invocation: *Invocation, reason: anyerror, message: []const u8) anyerror {
        invocation.message = message;
        return reason;
    }
};

/// The protocol lists what else there is.
pub const Context = struct {
    awsRequestId: []const u8 = "",
    deadlineMs: i64 = 0,
};

/// A value's own text, checked and not built; empty where there is none.
pub const Raw = struct {
    text: []const u8 = "",

    pub fn jsonParse(_: std.mem.Allocator, source: *std.json.Scanner, _: std.json.ParseOptions) !Raw {
        _ = try source.peekNextTokenType(); // to the value's first byte
        const start = source.cursor;
        try source.skipValue();
        return .{ .text = source.input[start..source.cursor] };
    }
};

const Request = struct { event: function.Event, context: Context = .{} };

pub fn main(init: std.process.Init) !void {
    // Replies get a copy of standard output, and standard output itself becomes the log: whatever prints
    // from here on, a C library included, can no longer land in the middle of a reply.
    const descriptor: i32 = @intCast(std.os.linux.dup(1));
    _ = std.os.linux.dup2(2, 1);
    const replies: std.Io.File = .{ .handle = descriptor, .flags = .{ .nonblocking = false } };

    var buffer: [65536]u8 = undefined;
    var input = std.Io.File.stdin().readerStreaming(init.io, &buffer);
    var line: std.Io.Writer.Allocating = .init(init.gpa);
    defer line.deinit();
    var arena: std.heap.ArenaAllocator = .init(init.gpa);
    defer arena.deinit();

    // The end of input means stop.  takeDelimiter would stop at its buffer, where a line may have 6 MB.
    while (input.interface.peekGreedy(1)) |_| {
        line.clearRetainingCapacity();
        _ = try input.interface.streamDelimiterEnding(&line.writer, '\n');
        input.interface.toss(@min(1, input.interface.bufferedLen()));

        // A space may come before the first line, and then nothing at all.
        const request = std.mem.trim(u8, line.written(), " \r");
        if (request.len == 0) continue;

        _ = arena.reset(.retain_capacity);
        const reply = answer(arena.allocator(), request) catch |problem| {
            std.log.err("could not read the request: {t}", .{problem});
            std.process.exit(1);
        };
        try replies.writeStreamingAll(init.io, reply); // at once: nothing is kept back
    } else |problem| if (problem != error.EndOfStream) return problem;
}

/// One reply to one request, tagged with the request's id, as a line.
fn answer(arena: std.mem.Allocator, line: []const u8) ![]const u8 {
    const id = try idOf(arena, line);
    var invocation: Invocation = .{ .arena = arena, .context = .{} };
    var reply: std.Io.Writer.Allocating = .init(arena);

    if (call(&invocation, line)) |result| {
        // Spliced in as it is, so that Stringify does not see how deep it is: it ends the program
        // where something is nested beyond 256 levels.
        try reply.writer.print("{{\"id\":{f},\"result\":{s}}}\n", .{ std.json.fmt(id, .{}), result });
    } else |reason| {
        const failure = .{
            .errorType = @errorName(reason),
            .errorMessage = invocation.message orelse @errorName(reason),
            .stackTrace = [_][]const u8{}, // an error is a value, and an optimized build keeps no true trace
        };
        try reply.writer.print("{f}\n", .{std.json.fmt(.{ .id = id, .@"error" = failure }, .{})});
    }
    return reply.written();
}

fn call(invocation: *Invocation, line: []const u8) ![]const u8 {
    const options: std.json.ParseOptions = .{ .ignore_unknown_fields = true, .duplicate_field_behavior = .use_last };
    var scanner: std.json.Scanner = .initCompleteInput(invocation.arena, line);
    var place: std.json.Diagnostics = .{};
    scanner.enableDiagnostics(&place);
    const request = std.json.parseFromTokenSourceLeaky(Request, invocation.arena, &scanner, options) catch |problem| {
        const message = "could not read the request: {t} at its byte {d}";
        return invocation.fail(problem, try std.fmt.allocPrint(invocation.arena, message, .{ problem, place.getByteOffset() }));
    };
    invocation.context = request.context;
    return function.handle(request.event, invocation);
}

/// The id stands first in a request.  So it is known even of a line that the library refuses, as for a
/// lone surrogate, and the caller can be told why.
fn idOf(arena: std.mem.Allocator, line: []const u8) ![]const u8 {
    var scanner: std.json.Scanner = .initCompleteInput(arena, line);
    if (try scanner.next() != .object_begin) return error.NoObject;
    switch (try scanner.next()) {
        .string => |name| if (!std.mem.eql(u8, name, "id")) return error.NoId,
        else => return error.NoId,
    }
    return switch (try scanner.next()) {
        .string => |id| id,
        else => error.NoId,
    };
}
