use std::fs::File;

use proptest::prelude::*;

use super::fixture::{Plan, elf};
use super::*;

fn dynamic() -> Vec<u8> {
    elf(&Plan {
        machine: 62,
        interpreter: Some("/lib64/ld-linux-x86-64.so.2"),
        needed: &["libz.so.1", "libc.so.6"],
        rpath: Some("/a:/b"),
        runpath: Some("$ORIGIN/../lib"),
        versions: &[("libc.so.6", "GLIBC_2.38", false), ("libz.so.1", "ZLIB_1.2", true)],
        ..Plan::default()
    })
}

#[test]
fn what_the_loader_is_asked_for_is_read() {
    let read = read(dynamic().as_slice()).expect("ELF");
    assert_eq!(read.machine, 62);
    assert!(read.is_program && !read.is_static());
    assert_eq!(read.interpreter.as_deref(), Some("/lib64/ld-linux-x86-64.so.2"));
    assert_eq!(read.needed, ["libz.so.1", "libc.so.6"]);
    assert_eq!(read.rpath, ["/a", "/b"]);
    assert_eq!(read.runpath.as_deref(), Some(&["$ORIGIN/../lib".to_owned()][..]));
    let versions: Vec<_> = read
        .versions
        .iter()
        .map(|needed| (needed.library.as_str(), needed.name.as_str(), needed.is_weak))
        .collect();
    assert_eq!(versions, [("libc.so.6", "GLIBC_2.38", false), ("libz.so.1", "ZLIB_1.2", true)]);
}

#[test]
fn a_static_program_asks_for_nothing() {
    let read = read(elf(&Plan { machine: 183, ..Plan::default() }).as_slice()).expect("ELF");
    assert!(read.is_static() && read.is_program && read.machine == 183);
}

#[test]
fn of_other_kinds_of_machine_the_number_is_read() {
    let mut file = elf(&Plan { machine: 3, ..Plan::default() });
    file[4] = 1;
    assert_eq!(read(file.as_slice()).expect("ELF").machine, 3);
    file[5] = 2;
    file[18..20].copy_from_slice(&8u16.to_be_bytes());
    let read = read(file.as_slice()).expect("ELF");
    assert!(read.machine == 8 && !read.is_64_bit);
}

#[test]
fn what_is_cut_off_is_an_error_and_says_where() {
    let whole = dynamic();
    let mut said = std::collections::BTreeSet::new();
    for length in 0..whole.len() {
        let error = read(&whole[..length]).expect_err("cut off");
        said.insert(error.to_string());
    }
    for part in ["header", "program headers", "loader's name", "dynamic table"] {
        assert!(said.contains(&format!("its {part} is cut off or broken")), "{said:?}");
    }
    assert!(said.contains("it is no ELF file"));
}

#[test]
fn our_own_executable_is_read_as_the_system_s_tools_read_it() {
    let own = File::open(std::env::current_exe().expect("a path")).expect("a file");
    let read = read(&own).expect("ELF");
    assert!(read.is_64_bit && read.is_program);
    if read.interpreter.is_some() {
        assert!(read.needed.contains(&"libc.so.6".to_owned()), "{read:?}");
        assert!(read.versions.iter().any(|needed| needed.name.starts_with("GLIBC_2.")));
    }
}

proptest! {
    /// Whatever is done to a file: no panic, and an end.
    #[test]
    fn no_damage_is_too_much(changes in prop::collection::vec((0usize..600, any::<u8>()), 1..20), cut in 0usize..700) {
        let mut file = dynamic();
        for (at, byte) in changes {
            if let Some(place) = file.get_mut(at) {
                *place = byte;
            }
        }
        file.truncate(cut);
        read(file.as_slice()).ok();
    }

    /// The same with the headers of a real program, which has much more behind them.
    #[test]
    fn no_damage_to_a_real_program_is_too_much(changes in prop::collection::vec((0usize..4_096, any::<u8>()), 1..40)) {
        static OWN: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let own = OWN.get_or_init(|| std::fs::read("/proc/self/exe").expect("a file"));
        // The headers and the dynamic tables of a program stand in its first pages.
        let mut file = own.get(..own.len().min(1 << 20)).unwrap_or_default().to_vec();
        for (at, byte) in changes {
            if let Some(place) = file.get_mut(at) {
                *place = byte;
            }
        }
        read(file.as_slice()).ok();
    }

    #[test]
    fn bytes_that_are_anything_are_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut file = b"\x7fELF\x02\x01".to_vec();
        file.extend(bytes);
        read(file.as_slice()).ok();
    }
}
