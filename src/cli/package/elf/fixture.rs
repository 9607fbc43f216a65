//! Small ELF files made on the spot, for tests of every kind: what they ask for can be chosen, and
//! nothing in them can be run.

/// What is to stand in the file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan<'a> {
    /// 62 is `x86_64`, 183 arm64.
    pub(crate) machine: u16,
    /// A shared library instead of a program.
    pub(crate) is_library: bool,
    pub(crate) interpreter: Option<&'a str>,
    pub(crate) needed: &'a [&'a str],
    pub(crate) rpath: Option<&'a str>,
    pub(crate) runpath: Option<&'a str>,
    /// Library, version, weak.
    pub(crate) versions: &'a [(&'a str, &'a str, bool)],
}

/// The file.
pub(crate) fn elf(plan: &Plan<'_>) -> Vec<u8> {
    let mut strings = vec![0u8];
    let mut string = |text: &str| {
        let at = strings.len();
        strings.extend(text.as_bytes());
        strings.push(0);
        at
    };
    let mut dynamic: Vec<(u64, u64)> = Vec::new();
    dynamic.extend(plan.needed.iter().map(|name| (1, string(name) as u64)));
    dynamic.extend(plan.rpath.map(|path| (15, string(path) as u64)));
    dynamic.extend(plan.runpath.map(|path| (29, string(path) as u64)));
    let mut chain: Vec<u8> = Vec::new();
    for (index, (library, version, is_weak)) in plan.versions.iter().enumerate() {
        let is_last = index + 1 == plan.versions.len();
        let word = |at: usize| u32::try_from(at).unwrap_or(0);
        let (library, version) = (word(string(library)), word(string(version)));
        chain.extend([1u16, 1].iter().flat_map(|half| half.to_le_bytes()));
        let further = if is_last { 0 } else { 32 };
        chain.extend([library, 16, further].iter().flat_map(|word| word.to_le_bytes()));
        chain.extend(0u32.to_le_bytes());
        chain.extend([u16::from(*is_weak) * 2, 2].iter().flat_map(|half| half.to_le_bytes()));
        chain.extend([version, 0].iter().flat_map(|word| word.to_le_bytes()));
    }

    let has_dynamic = !dynamic.is_empty() || !plan.versions.is_empty();
    let segments = 1 + u16::from(plan.interpreter.is_some()) + u16::from(has_dynamic);
    let interpreter_at = 64 + 56 * u64::from(segments);
    let interpreter = plan.interpreter.map(|name| format!("{name}\0")).unwrap_or_default();
    let strings_at = interpreter_at + interpreter.len() as u64;
    let chain_at = strings_at + strings.len() as u64;
    let dynamic_at = chain_at + chain.len() as u64;
    if has_dynamic {
        dynamic.extend([(5, strings_at), (10, strings.len() as u64)]);
        if !plan.versions.is_empty() {
            dynamic.extend([(0x6fff_fffe, chain_at), (0x6fff_ffff, plan.versions.len() as u64)]);
        }
        dynamic.push((0, 0));
    }
    let whole = dynamic_at + 16 * dynamic.len() as u64;

    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let kind: u16 = if plan.is_library || plan.interpreter.is_some() { 3 } else { 2 };
    file.extend([kind, plan.machine].iter().flat_map(|half| half.to_le_bytes()));
    file.extend(1u32.to_le_bytes());
    file.extend([0u64, 64, 0].iter().flat_map(|long| long.to_le_bytes()));
    file.extend(0u32.to_le_bytes());
    file.extend([64u16, 56, segments, 64, 0, 0].iter().flat_map(|half| half.to_le_bytes()));
    let mut segment = |kind: u32, at: u64, size: u64| {
        file.extend([kind, 4].iter().flat_map(|word| word.to_le_bytes()));
        file.extend([at, at, at, size, size, 8].iter().flat_map(|long| long.to_le_bytes()));
    };
    segment(1, 0, whole);
    if plan.interpreter.is_some() {
        segment(3, interpreter_at, interpreter.len() as u64);
    }
    if has_dynamic {
        segment(2, dynamic_at, 16 * dynamic.len() as u64);
    }
    file.extend(interpreter.as_bytes());
    file.extend(strings);
    file.extend(chain);
    file.extend(
        dynamic.iter().flat_map(|(tag, value)| [tag.to_le_bytes(), value.to_le_bytes()]).flatten(),
    );
    file
}
