//! The one integration binary: stories told with real processes and real sockets.

mod emulator;
mod emulator_client;
mod invoke;
mod invoke_ends;
mod invoke_ric;
mod invoke_runtime;
