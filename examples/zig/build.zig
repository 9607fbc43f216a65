const std = @import("std");

pub fn build(b: *std.Build) void {
    const handler = b.addExecutable(.{
        .name = "handler",
        .root_module = b.createModule(.{
            .root_source_file = b.path("src/main.zig"),
            // For any processor of its kind: by default it would be for this machine's own, and Lambda's
            // may know fewer instructions.
            .target = b.standardTargetOptions(.{ .default_target = .{ .cpu_model = .baseline } }),
            .optimize = b.standardOptimizeOption(.{ .preferred_optimize_mode = .safe }),
        }),
    });
    b.installArtifact(handler);
}
