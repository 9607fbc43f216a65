//! Lambda's side: the Runtime API's client.  HTTP happens only here; processes and the line protocol never.

pub mod wire;
