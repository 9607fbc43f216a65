//! ELF files as the dynamic loader reads them: by their program headers, since section headers may be
//! stripped, and within limits, since a file may say anything about itself.

use std::io;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod source;
#[cfg(test)]
mod tests;

pub use source::Source;

const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;

const MAX_SEGMENTS: u16 = 4_096;
const MAX_DYNAMIC_BYTES: u64 = 1024 * 1024;
/// A path, or a symbol's version: the kernel takes no longer path either.
const MAX_NAME_BYTES: usize = 4_096;
const MAX_LIBRARIES: usize = 1_024;
const MAX_VERSIONS: usize = 8_192;

/// What a file says about how it is to be loaded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Elf {
    /// The number of its processor.
    pub machine: u16,
    /// Whether it is of 64 bits and little-endian, as both of Lambda's architectures are.  Of others
    /// nothing but the machine is read.
    pub is_64_bit: bool,
    /// Whether it was linked to be started, as far as can be told from libraries.
    pub is_program: bool,
    /// The dynamic loader it asks for.
    pub interpreter: Option<String>,
    /// The libraries it needs, in their order.
    pub needed: Vec<String>,
    /// Where it has them looked for before `LD_LIBRARY_PATH`.
    pub rpath: Vec<String>,
    /// Where it has them looked for after that; where there is one, the other does not count.
    pub runpath: Option<Vec<String>>,
    /// The versions of symbols it needs, by library.
    pub versions: Vec<Needed>,
}

/// A version that a file needs a library to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// The library.
    pub library: String,
    /// The version's name, as `GLIBC_2.34`.
    pub name: String,
    /// Whether the loader starts the program without it all the same.
    pub is_weak: bool,
}

impl Elf {
    /// Whether it asks for nothing that a system would have to have.
    #[must_use]
    pub fn is_static(&self) -> bool {
        self.interpreter.is_none() && self.needed.is_empty()
    }
}

/// Why a file could not be read as ELF.
#[derive(Debug, thiserror::Error)]
pub enum ElfError {
    /// It does not begin as ELF files do.
    #[error("it is no ELF file")]
    NotElf,
    /// It does, and then makes no sense.
    #[error("its {0} is cut off or broken")]
    Broken(&'static str),
    /// It could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads a file.
///
/// # Errors
/// When it is no ELF file, makes no sense, or cannot be read.
pub fn read(source: &(impl Source + ?Sized)) -> Result<Elf, ElfError> {
    let head = source.part(0, 64)?;
    if !head.starts_with(b"\x7fELF") {
        return Err(ElfError::NotElf);
    }
    let class = head.get(4..6).ok_or(ElfError::Broken("header"))?;
    let is_little = class != [1, 2] && class != [2, 2];
    let machine = head.get(18..20).and_then(|bytes| bytes.first_chunk().copied());
    let machine = machine.ok_or(ElfError::Broken("header"))?;
    let machine = if is_little { u16::from_le_bytes(machine) } else { u16::from_be_bytes(machine) };
    if class != [2, 1] {
        return Ok(Elf { machine, ..Elf::default() });
    }
    let mut elf = Elf { machine, is_64_bit: true, ..Elf::default() };
    let segments = segments(source, &head)?;
    if let Some(segment) = segments.iter().find(|segment| segment.kind == PT_INTERP) {
        let name = text(source, segment.offset, segment.file_size)?;
        elf.interpreter = Some(name.ok_or(ElfError::Broken("loader's name"))?);
    }
    let is_position_independent = match segments.iter().find(|segment| segment.kind == PT_DYNAMIC) {
        Some(segment) => read_dynamic(source, &segments, segment, &mut elf)?,
        None => false,
    };
    let is_fixed = u16_at(&head, 16) == Some(2);
    elf.is_program = is_fixed || is_position_independent || elf.interpreter.is_some();
    Ok(elf)
}

struct Segment {
    kind: u32,
    offset: u64,
    address: u64,
    file_size: u64,
}

fn segments(source: &(impl Source + ?Sized), head: &[u8]) -> Result<Vec<Segment>, ElfError> {
    const BROKEN: ElfError = ElfError::Broken("program headers");
    let table = u64_at(head, 32).ok_or(ElfError::Broken("header"))?;
    let size = u16_at(head, 54).ok_or(ElfError::Broken("header"))?;
    let count = u16_at(head, 56).ok_or(ElfError::Broken("header"))?;
    if count == 0 {
        return Ok(Vec::new());
    }
    if size != 56 || count > MAX_SEGMENTS {
        return Err(BROKEN);
    }
    let bytes = source.part(table, usize::from(count) * 56)?;
    if bytes.len() != usize::from(count) * 56 {
        return Err(BROKEN);
    }
    let segment = |entry: &[u8]| {
        Some(Segment {
            kind: u32_at(entry, 0)?,
            offset: u64_at(entry, 8)?,
            address: u64_at(entry, 16)?,
            file_size: u64_at(entry, 32)?,
        })
    };
    bytes.chunks_exact(56).map(|entry| segment(entry).ok_or(BROKEN)).collect()
}

/// What stands in the dynamic table; says whether it is marked as a position-independent program.
fn read_dynamic(
    source: &(impl Source + ?Sized),
    segments: &[Segment],
    dynamic: &Segment,
    elf: &mut Elf,
) -> Result<bool, ElfError> {
    const BROKEN: ElfError = ElfError::Broken("dynamic table");
    if dynamic.file_size > MAX_DYNAMIC_BYTES {
        return Err(BROKEN);
    }
    let size = usize::try_from(dynamic.file_size).map_err(|_| BROKEN)?;
    let table = source.part(dynamic.offset, size)?;
    if table.len() != size {
        return Err(BROKEN);
    }
    let entries: Vec<(u64, u64)> = table
        .chunks_exact(16)
        .map_while(|entry| Some((u64_at(entry, 0)?, u64_at(entry, 8)?)))
        .take_while(|(tag, _)| *tag != 0)
        .collect();
    let value =
        |wanted: u64| entries.iter().find(|(tag, _)| *tag == wanted).map(|(_, value)| *value);
    let in_file = |address: u64| offset_of(segments, address);
    let strings = Strings {
        source,
        from: match value(5) {
            Some(address) => in_file(address).ok_or(ElfError::Broken("string table"))?,
            None => 0,
        },
        size: value(10).unwrap_or(0),
    };
    for (tag, value) in &entries {
        match tag {
            1 if elf.needed.len() < MAX_LIBRARIES => elf.needed.push(strings.at(*value)?),
            15 => elf.rpath = split(&strings.at(*value)?),
            29 => elf.runpath = Some(split(&strings.at(*value)?)),
            _ => (),
        }
    }
    if let Some(address) = value(0x6fff_fffe) {
        let from = in_file(address).ok_or(ElfError::Broken("table of versions"))?;
        elf.versions = versions(&strings, from)?;
    }
    Ok(value(0x6fff_fffb).is_some_and(|flags| flags & 0x0800_0000 != 0))
}

/// The chain of needed versions: for each library a chain of names, each link by its distance.
fn versions<S: Source + ?Sized>(
    strings: &Strings<'_, S>,
    from: u64,
) -> Result<Vec<Needed>, ElfError> {
    const BROKEN: ElfError = ElfError::Broken("table of versions");
    let mut needed = Vec::new();
    let mut at = from;
    loop {
        let entry = strings.source.part(at, 16)?;
        let library = strings.at(u64::from(u32_at(&entry, 4).ok_or(BROKEN)?))?;
        let mut name_at = at.checked_add(u64::from(u32_at(&entry, 8).ok_or(BROKEN)?));
        while let Some(here) = name_at {
            // Chains only go forward, and this many is more than any program needs: so both loops end.
            if needed.len() >= MAX_VERSIONS {
                return Err(BROKEN);
            }
            let name = strings.source.part(here, 16)?;
            needed.push(Needed {
                library: library.clone(),
                name: strings.at(u64::from(u32_at(&name, 8).ok_or(BROKEN)?))?,
                is_weak: u16_at(&name, 4).ok_or(BROKEN)? & 2 != 0,
            });
            name_at = next(here, u32_at(&name, 12).ok_or(BROKEN)?);
        }
        match next(at, u32_at(&entry, 12).ok_or(BROKEN)?) {
            Some(further) => at = further,
            None => return Ok(needed),
        }
    }
}

fn next(here: u64, distance: u32) -> Option<u64> {
    (distance != 0).then(|| here.checked_add(u64::from(distance))).flatten()
}

/// The table that names stand in.
struct Strings<'a, S: ?Sized> {
    source: &'a S,
    from: u64,
    size: u64,
}

impl<S: Source + ?Sized> Strings<'_, S> {
    fn at(&self, offset: u64) -> Result<String, ElfError> {
        const BROKEN: ElfError = ElfError::Broken("string table");
        let left = self.size.checked_sub(offset).filter(|left| *left > 0).ok_or(BROKEN)?;
        let from = self.from.checked_add(offset).ok_or(BROKEN)?;
        text(self.source, from, left)?.ok_or(BROKEN)
    }
}

/// The text that ends with a NUL within so many bytes.
fn text(
    source: &(impl Source + ?Sized),
    from: u64,
    within: u64,
) -> Result<Option<String>, ElfError> {
    let limit = usize::try_from(within).unwrap_or(MAX_NAME_BYTES).min(MAX_NAME_BYTES);
    // Most names are short.
    let mut bytes = source.part(from, limit.min(256))?;
    if !bytes.contains(&0) && limit > 256 {
        bytes = source.part(from, limit)?;
    }
    let end = bytes.iter().position(|byte| *byte == 0);
    Ok(end.and_then(|end| bytes.get(..end)).map(|name| String::from_utf8_lossy(name).into_owned()))
}

/// Where in the file an address of the loaded program lies.
fn offset_of(segments: &[Segment], address: u64) -> Option<u64> {
    segments.iter().filter(|segment| segment.kind == PT_LOAD).find_map(|segment| {
        let inside = address.checked_sub(segment.address)?;
        (inside < segment.file_size).then(|| segment.offset.checked_add(inside)).flatten()
    })
}

fn split(paths: &str) -> Vec<String> {
    paths.split(':').filter(|path| !path.is_empty()).map(str::to_owned).collect()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..)?.first_chunk().copied()?))
}
