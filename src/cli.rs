//! The companion: what people run on their own machines.  Compiled out of the bootstrap.

pub mod clock;
pub mod emulator;
