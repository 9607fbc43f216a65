//! Any program becomes an AWS Lambda function by reading lines and printing lines.
//!
//! The modules in reading order: the nouns, the line protocol, Lambda's side, the user's process, and
//! the loop that carries one invocation from the one to the other.  ARCHITECTURE.md is the map and
//! says who may use whom.

pub mod bootstrap;
pub mod clock;
pub mod config;
pub mod handler;
pub mod interrupt;
pub mod invocation;
pub mod json;
pub mod log;
pub mod protocol;
pub mod restart;
pub mod runtime_api;
pub mod supervisor;
pub mod verdict;
pub mod worker;

#[cfg(feature = "cli")]
pub mod cli;

#[cfg(any(feature = "fuzzing", all(test, feature = "cli")))]
#[doc(hidden)]
pub mod fuzzing;
