//! What is to hold of every parser of foreign bytes, whatever the bytes are.  The targets in `fuzz/` call
//! this with random bytes, and the tests below with the inputs that are kept in `fuzz/corpus`.
//!
//! A property stands beside its parser.  How an input is cut is decided here and by the input alone: so a file
//! is all that is needed to see a failure again.

use crate::cli::package;
use crate::protocol;
use crate::runtime_api;

const MAX_CUTS: usize = 16;

/// The head of Lambda's answer.
pub fn head(bytes: &[u8]) {
    runtime_api::fuzzing::head(bytes, &cuts(bytes));
}

/// A chunked body.
pub fn chunks(bytes: &[u8]) {
    runtime_api::fuzzing::chunks(bytes, &ways(bytes));
}

/// What a handler prints, as messages.
pub fn framing(bytes: &[u8]) {
    protocol::fuzzing::framing(bytes, &ways(bytes));
}

/// What a handler's lines are judged to be.
pub fn replies(bytes: &[u8]) {
    protocol::fuzzing::replies(bytes);
}

/// An event on its way into a request.
pub fn request(bytes: &[u8]) {
    protocol::fuzzing::request(bytes);
}

/// A program or a library.
pub fn elf(bytes: &[u8]) {
    package::elf::fuzzing::elf(bytes, &cuts(bytes));
}

/// Any file that is packaged.
pub fn inspect(bytes: &[u8]) {
    package::fuzzing::inspect(bytes);
}

/// A script's first line.
pub fn shebang(bytes: &[u8]) {
    package::fuzzing::shebang(bytes);
}

/// The loader's cache.
pub fn ldcache(bytes: &[u8]) {
    package::fuzzing::ldcache(bytes, &cuts(bytes));
}

/// A tree of files, which the bytes describe, to a zip and back.
pub fn zip(bytes: &[u8]) {
    package::zip::fuzzing::zip(bytes);
}

/// A zip that is none of ours, perhaps.
pub fn unzip(bytes: &[u8]) {
    package::zip::fuzzing::unzip(bytes);
}

/// The bytes in pieces: one by one, and cut at some places.
fn ways(bytes: &[u8]) -> [Vec<&[u8]>; 2] {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    for cut in cuts(bytes).into_iter().rev() {
        let (before, piece) = rest.split_at(cut);
        pieces.push(piece);
        rest = before;
    }
    pieces.push(rest);
    pieces.reverse();
    [bytes.chunks(1).collect(), pieces]
}

/// Some places in the bytes, in their order, that depend on the bytes and look random.
fn cuts(bytes: &[u8]) -> Vec<usize> {
    // FNV-1a, and from there the usual linear steps.
    let mut state = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut cuts: Vec<usize> = (0..MAX_CUTS)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(state >> 33).unwrap_or_default() % (bytes.len() + 1)
        })
        .collect();
    cuts.sort_unstable();
    cuts
}

#[cfg(test)]
mod tests;
