//! Stories of faults: what the caller is told, what the next caller gets, and that nothing is left running.

mod ends;
mod events;
mod exits;
mod limits;
mod lines;
mod misprints;
mod programs;
mod scene;
mod time;
