//! What holds of a program, whatever its file says.

use std::cell::Cell;

use super::{
    Elf, MAX_DYNAMIC_BYTES, MAX_LIBRARIES, MAX_NAME_BYTES, MAX_SEGMENTS, MAX_VERSIONS, Source, read,
};

/// What is read is within the limits and always the same, and a file that is cut is the same or an error.
pub(crate) fn elf(bytes: &[u8], cuts: &[usize]) {
    let counted = Counted { bytes, ..Counted::default() };
    let whole = told(&counted);
    if let Ok(elf) = &whole {
        check(elf);
    }
    // What a dynamic table of this file can ask for, and what the chains of versions can.
    let most = 8 + 2 * (bytes.len() / 16) + 6 * (MAX_VERSIONS + 1);
    assert!(counted.parts.get() <= most, "{} parts are read", counted.parts.get());
    assert_eq!(told(bytes), whole, "the same file again");
    let reach = counted.reach.get();
    assert_eq!(told(bytes.get(..reach).unwrap_or_default()), whole, "with nothing behind it");
    for cut in cuts.iter().copied().chain(reach.checked_sub(1)) {
        let part = told(bytes.get(..cut).unwrap_or_default());
        assert!(part.is_err() || part == whole, "cut at {cut}: {part:?}, whole: {whole:?}");
    }
}

fn told(source: &(impl Source + ?Sized)) -> Result<Elf, String> {
    read(source).map_err(|error| error.to_string())
}

fn check(elf: &Elf) {
    let only_machine = Elf { machine: elf.machine, ..Elf::default() };
    assert!(elf.is_64_bit || *elf == only_machine, "of others nothing else is read");
    assert!(elf.needed.len() <= MAX_LIBRARIES && elf.versions.len() <= MAX_VERSIONS);
    let paths = || elf.rpath.iter().chain(elf.runpath.iter().flatten());
    assert!(paths().all(|path| !path.is_empty() && !path.contains(':')));
    let versions = elf.versions.iter().flat_map(|needed| [&needed.library, &needed.name]);
    for name in elf.needed.iter().chain(&elf.interpreter).chain(paths()).chain(versions) {
        assert!(!name.contains('\0'));
        // A byte that is no UTF-8 becomes three.
        assert!(name.len() < 3 * MAX_NAME_BYTES, "a name of {} bytes", name.len());
    }
    assert!(elf.is_program || elf.interpreter.is_none());
}

/// A file that knows what is read of it.
#[derive(Default)]
struct Counted<'a> {
    bytes: &'a [u8],
    parts: Cell<usize>,
    /// The end of the last byte that was read.
    reach: Cell<usize>,
}

impl Source for Counted<'_> {
    fn part(&self, offset: u64, length: usize) -> std::io::Result<Vec<u8>> {
        let table = usize::from(MAX_SEGMENTS) * 56;
        assert!(length <= table.max(usize::try_from(MAX_DYNAMIC_BYTES).expect("a megabyte")));
        self.parts.set(self.parts.get() + 1);
        let part = self.bytes.part(offset, length)?;
        if !part.is_empty() {
            let end = usize::try_from(offset).expect("inside") + part.len();
            self.reach.set(self.reach.get().max(end));
        }
        Ok(part)
    }
}
