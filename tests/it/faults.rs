//! Stories of faults: what the caller is told, what the next caller gets, and that nothing is left running.

mod bytes;
mod ends;
mod events;
mod exits;
mod figures;
mod limits;
mod lines;
mod misprints;
mod processes;
mod programs;
mod scene;
mod time;
