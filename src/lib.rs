//! Any program becomes an AWS Lambda function by reading lines and printing lines.
//!
//! The modules in reading order: the nouns, the line protocol, Lambda's side, the user's process, and
//! the loop that carries one invocation from the one to the other.  ARCHITECTURE.md is the map and
//! says who may use whom.
//!
//! Handlers are started and watched by Linux's own means.  Elsewhere only those commands compile that start
//! none: `package` and its findings.

#[cfg(target_os = "linux")]
pub mod bootstrap;
pub mod clock;
#[cfg(target_os = "linux")]
pub mod config;
#[cfg(target_os = "linux")]
pub mod handler;
#[cfg(target_os = "linux")]
pub mod interrupt;
#[cfg(target_os = "linux")]
pub mod invocation;
#[cfg(target_os = "linux")]
pub mod json;
#[cfg(target_os = "linux")]
pub mod log;
#[cfg(target_os = "linux")]
pub mod protocol;
#[cfg(target_os = "linux")]
pub mod restart;
#[cfg(target_os = "linux")]
pub mod runtime_api;
#[cfg(target_os = "linux")]
pub mod supervisor;
#[cfg(target_os = "linux")]
pub mod verdict;
#[cfg(target_os = "linux")]
pub mod worker;

#[cfg(feature = "cli")]
pub mod cli;

#[cfg(any(feature = "fuzzing", all(test, feature = "cli")))]
#[doc(hidden)]
pub mod fuzzing;
