//! The one integration binary: the real `bootstrap` against a scripted Runtime API, the protocol's
//! cases, and the companion as its user runs it.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests say what they expect")]

mod support;

mod cases;
mod faults;
mod layers;
mod replies;

mod emulator;
mod emulator_bodies;
mod emulator_client;
mod invoke;
mod invoke_bridge;
mod invoke_ends;
mod invoke_ric;
mod invoke_runtime;
