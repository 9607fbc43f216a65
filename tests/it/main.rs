//! The one integration binary: the real `bootstrap` against a scripted Runtime API, the protocol's
//! cases, and the companion as its user runs it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests say what they expect, and what they did not run"
)]

mod support;

mod api;
mod arm64;
mod cargo_lambda;
mod cases;
mod differential;
mod end;
mod fault_table;
mod faults;
mod floods;
mod freeze;
mod headers;
mod layers;
mod life;
mod logs;
mod programs;
mod replies;
mod resident;
mod resources;
mod rie;
mod start;
mod surroundings;
mod syscalls;
mod throttled;

mod check;
mod desk;
mod emulator;
mod emulator_bodies;
mod emulator_client;
mod invoke;
mod invoke_bridge;
mod invoke_ends;
mod invoke_long;
mod invoke_remote;
mod invoke_runtime;
mod new;
mod old_ways;
mod package;
mod package_built;
mod package_bytes;
mod package_image;
mod package_support;
mod package_tree;
mod package_trials;
mod package_verify;
mod peers;
mod project;
