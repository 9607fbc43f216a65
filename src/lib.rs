//! Any program becomes an AWS Lambda function by reading lines and printing lines.
//!
//! The modules in reading order: the nouns, the line protocol, Lambda's side, the user's process, and
//! the loop that carries one invocation from the one to the other.  ARCHITECTURE.md is the map and
//! says who may use whom.

pub mod invocation;
pub mod runtime_api;

#[cfg(feature = "cli")]
pub mod cli;
