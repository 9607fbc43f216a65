//! The cases of protocol/cases, each against the protocol's own code; a clause without a case fails.
