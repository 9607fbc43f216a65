//! A queue from many workers to one writer, who gets the pieces in their order however they are finished;
//! no more than a few are under way.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// With two copies of a piece for each that is under way this is 32 MiB.
const MAX_UNDER_WAY: usize = 16;

/// What workers and writer tell each other.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    /// The next piece nobody has taken.
    next: usize,
    /// How many were written.
    written: usize,
    done: BTreeMap<usize, T>,
    is_over: bool,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        let state = State { next: 0, written: 0, done: BTreeMap::new(), is_over: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// A piece to be worked on, once there is room for it; none when there is no more to do.
    pub(super) fn take(&self, count: usize) -> Option<usize> {
        let mut state = self.lock();
        while !state.is_over && state.next < count && state.next >= state.written + MAX_UNDER_WAY {
            state = self.wait(state);
        }
        if state.is_over || state.next >= count {
            return None;
        }
        state.next += 1;
        Some(state.next - 1)
    }

    pub(super) fn give(&self, index: usize, done: T) {
        self.lock().done.insert(index, done);
        self.changed.notify_all();
    }

    /// Waits for a piece.  Workers take pieces in their order, so it comes.
    pub(super) fn receive(&self, index: usize) -> T {
        let mut state = self.lock();
        loop {
            if let Some(done) = state.done.remove(&index) {
                state.written = index + 1;
                drop(state);
                self.changed.notify_all();
                return done;
            }
            state = self.wait(state);
        }
    }

    /// Sends the workers home: nobody waits for them any longer.
    pub(super) fn end(&self) {
        self.lock().is_over = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nobody panics with the lock held; and if so, the state is whole all the same.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<T>>) -> MutexGuard<'a, State<T>> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}
