//! Programs that cannot be started.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::support::{Answer, Bridge, Lambda, eventually, machine, scaled, trials};

/// A shell script as a program in a folder.
pub(super) fn script(folder: &Path, lines: &str) -> PathBuf {
    let file = folder.join("handler");
    std::fs::write(&file, format!("#!/bin/sh\n{lines}\n")).unwrap();
    set_mode(&file, 0o755);
    file
}

pub(super) fn set_mode(file: &Path, mode: u32) {
    std::fs::set_permissions(file, PermissionsExt::from_mode(mode)).unwrap();
}

pub(super) fn kill(pid: i32) {
    nix::sys::signal::kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
}

pub(super) fn limit_descriptors(pid: Pid, most: u32) {
    let words = [format!("--pid={pid}"), format!("--nofile={most}:1024")];
    assert!(Command::new("prlimit").args(words).status().unwrap().success());
}

/// A task root to which a story adds its program, `handler`.
struct TaskRoot(TempDir);

impl TaskRoot {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// With an executable of these bytes.
    fn with(bytes: impl AsRef<[u8]>) -> Self {
        let root = Self::new();
        let file = root.path().join("handler");
        std::fs::write(&file, bytes).unwrap();
        set_mode(&file, 0o755);
        root
    }

    /// Starts `handler` there: the message of the init error of this type, without the folder's own name.
    #[track_caller]
    fn refuses(&self, handler: &str, error_type: &str) -> String {
        self.refusal(handler)
            .is_error(error_type)
            .replace(self.path().to_str().unwrap(), "/var/task")
    }

    /// The init error that follows from starting `handler` there, after which nothing is left.
    #[track_caller]
    fn refusal(&self, handler: &str) -> Answer {
        let lambda = Lambda::start();
        let root = self.path().to_str().unwrap();
        let mut bridge =
            Bridge::of(&lambda).env("LAMBDA_TASK_ROOT", root).env("_HANDLER", handler).start();
        let answer = lambda.answer();
        assert_eq!(answer.kind, "init error");
        assert_eq!(bridge.ended().code(), Some(1));
        assert_eq!(lambda.nexts(), [], "no event was asked for");
        assert_eq!(lambda.answers_now().len(), 0, "it was told once");
        bridge.left_nothing();
        bridge.logged("the handler cannot serve: ");
        answer
    }

    #[track_caller]
    fn cannot_start(&self, why: &str) {
        let said = self.refuses("./handler", "Runtime.InvalidEntrypoint");
        assert_eq!(said, format!("cannot start /var/task/handler: {why}"));
    }
}

#[test]
fn a_missing_file_is_told_with_what_there_is() {
    let root = TaskRoot::new();
    std::fs::write(root.path().join("handler.py"), "").unwrap();
    std::fs::write(root.path().join("bootstrap"), "").unwrap();
    root.cannot_start("there is no such file; /var/task holds bootstrap, handler.py (ENOENT)");
    assert_eq!(
        root.refuses("handler", "Runtime.InvalidEntrypoint"),
        "\"handler\" is neither in /var/task nor in PATH \
         (/usr/local/bin:/usr/bin:/bin:/var/task); /var/task holds bootstrap, handler.py"
    );
    assert_eq!(
        root.refuses("bin/handler", "Runtime.InvalidEntrypoint"),
        "cannot start /var/task/bin/handler: there is no such file; /var/task/bin cannot be listed: No \
         such file or directory (os error 2) (ENOENT)"
    );
    assert_eq!(
        root.refuses("handler.py/x", "Runtime.InvalidEntrypoint"),
        "cannot start /var/task/handler.py/x: a part of its path is not a folder (ENOTDIR)"
    );
    symlink("handler", root.path().join("handler")).unwrap();
    root.cannot_start("its symbolic links go round in a circle (ELOOP)");
}

#[test]
fn a_file_that_is_not_executable_is_told_as_such() {
    let root = TaskRoot::with("#!/bin/sh\n");
    set_mode(&root.path().join("handler"), 0o644);
    root.cannot_start(
        "it is not executable: chmod +x it before it is packaged (or its folder cannot be entered, or its \
         file system is mounted noexec) (EACCES)",
    );
}

#[test]
fn a_file_that_is_being_written_is_told_as_such() {
    let root = TaskRoot::with("#!/bin/sh\n");
    let _writer = std::fs::File::options().append(true).open(root.path().join("handler")).unwrap();
    root.cannot_start("its file is being written (ETXTBSY)");
}

#[test]
fn a_file_that_is_written_for_a_moment_longer_starts_all_the_same() {
    for _ in 0..scaled(5, 500) {
        let root = TaskRoot::with("#!/bin/sh\nwhile read -r line; do echo 1; done\n");
        let file = root.path().join("handler");
        let writer = std::fs::File::options().append(true).open(&file).unwrap();
        let lambda = Lambda::start();
        let began = Instant::now();
        let bridge = Bridge::of(&lambda).program(&[file.to_str().unwrap()]).start();
        eventually("the launcher runs", || !bridge.descendants().is_empty());
        std::thread::sleep(Duration::from_millis(10));
        drop(writer);
        // The launcher tries for a quarter of a second; on a machine this busy it was no moment.
        if began.elapsed() > Duration::from_millis(150) {
            continue;
        }
        lambda.event("1").is_response("1");
        assert!(!bridge.logs().contains("handler not started"), "{}", bridge.logs());
        bridge.leaves_nothing();
    }
}

#[test]
fn a_directory_is_told_as_such() {
    let root = TaskRoot::new();
    std::fs::create_dir(root.path().join("handler")).unwrap();
    root.cannot_start("it is a directory (EACCES)");
}

#[test]
fn a_file_that_is_no_program_is_told_as_such() {
    for (bytes, why) in [
        (&b""[..], "the file is empty (ENOEXEC)"),
        (
            b"echo hello\n",
            "it is neither an ELF program nor a script that begins with #! (ENOEXEC)",
        ),
        (b"MZ\x90\0\x03", "it is a Windows program (ENOEXEC)"),
        (b"\xcf\xfa\xed\xfe\x07", "it is a macOS program (or a Java class) (ENOEXEC)"),
        (b"\xca\xfe\xba\xbe\0\0", "it is a macOS program (or a Java class) (ENOEXEC)"),
    ] {
        TaskRoot::with(bytes).cannot_start(why);
    }
}

#[test]
fn a_script_without_its_interpreter_is_told_as_such() {
    TaskRoot::with("#!/opt/none/python3 -u\nprint(1)\n").cannot_start(
        "its interpreter \"/opt/none/python3\", named in its first line, is not here (ENOENT)",
    );
}

#[test]
fn a_script_with_windows_line_ends_is_told_as_such() {
    TaskRoot::with("#!/bin/sh\r\necho 1\r\n").cannot_start(
        "its first line \"/bin/sh\\r\" ends in a carriage return (CRLF): save the script with LF line ends \
         (ENOENT)",
    );
    // Through env, it is env that does not find its program.
    let root = TaskRoot::with("#!/usr/bin/env sh\r\necho 1\r\n");
    let said = root.refuses("handler", "Runtime.HandlerExited");
    assert!(
        said.starts_with(
            "the handler ended before it was ready: exit status 127; the script's first line ends \
             in a carriage return (CRLF): save the script with LF line ends. It last wrote:\n/usr/bin/env: "
        ),
        "{said}"
    );
}

/// The beginning of an ELF program for a machine.
fn elf_for(machine: u16) -> Vec<u8> {
    let mut header = vec![0; 64];
    header[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    header[16] = 2;
    header[18..20].copy_from_slice(&machine.to_le_bytes());
    header
}

#[test]
fn a_program_for_another_machine_is_told_as_such() {
    let ours = machine();
    let name = if ours == 183 { "arm64 (aarch64)" } else { "x86_64" };
    for (machine, built_for) in [
        (40, "32-bit ARM"),
        (62, "x86_64"),
        (183, "arm64 (aarch64)"),
        (243, "RISC-V"),
        (21, "machine number 21"),
    ] {
        if machine == ours {
            continue;
        }
        let why = format!("it is built for {built_for}, and this is {name} (ENOEXEC)");
        TaskRoot::with(elf_for(machine)).cannot_start(&why);
    }
}

#[test]
fn a_program_that_was_cut_off_is_told_as_such() {
    TaskRoot::with(elf_for(machine())).cannot_start("its ELF file is broken or cut off (ENOEXEC)");
    // A real one, cut in its headers; whichever way the kernel takes it, nothing hangs and the cause is told.
    let whole = std::fs::read("/bin/cat").unwrap();
    for kept in [20, 63, 64, 100, 200] {
        let root = TaskRoot::with(&whole[..kept]);
        let said = root.refuses("./handler", "Runtime.InvalidEntrypoint");
        assert!(said.starts_with("cannot start /var/task/handler: "), "{kept}: {said}");
        assert!(said.ends_with("(ENOEXEC)") || said.ends_with("(EIO)"), "{kept}: {said}");
    }
    // Cut behind them, it starts, and the loader or the kernel ends it.
    for kept in [4096, whole.len() / 2] {
        let root = TaskRoot::with(&whole[..kept]);
        let said = root.refusal("./handler").text();
        let told =
            said.contains("cannot start ") || said.contains("the handler ended before it was");
        assert!(told, "{kept}: {said}");
    }
}

/// A real program in which one text is replaced by another of the same length.
fn patched(from: &str, to: &str) -> TaskRoot {
    assert_eq!(from.len(), to.len());
    let mut bytes = std::fs::read("/bin/cat").unwrap();
    let mut found = 0;
    for at in 0..bytes.len() - from.len() {
        if bytes[at..].starts_with(from.as_bytes()) {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
            found += 1;
        }
    }
    assert!(found > 0, "{from} is not in cat");
    TaskRoot::with(bytes)
}

#[test]
fn a_missing_dynamic_loader_is_told_as_such() {
    let root = patched("/ld-linux", "/ld-absnt");
    let said = root.refuses("handler", "Runtime.InvalidEntrypoint");
    let (head, rest) = said.split_once("/ld-absnt").unwrap();
    assert!(
        head.starts_with("cannot start /var/task/handler: its dynamic loader \"/lib"),
        "{said}"
    );
    assert!(
        rest.ends_with(
            "\" is not here: it was built for another system; link it statically, or build it on the \
             system it runs on (ENOENT)"
        ),
        "{said}"
    );
}

#[test]
fn a_missing_shared_library_is_told_as_such() {
    let said = patched("libc.so.6", "libx.so.6").refuses("handler", "Runtime.HandlerExited");
    assert_eq!(
        said,
        "the handler ended before it was ready: exit status 127; a shared library is missing: put it into \
         lib/ beside the program, or link it statically. It last wrote:\n/var/task/handler: error while \
         loading shared libraries: libx.so.6: cannot open shared object file: No such file or directory"
    );
}

#[test]
fn a_newer_c_library_is_told_as_such() {
    // A program built on a newer system is not at hand everywhere; the loader's words are.
    let root = TaskRoot::with(
        "#!/bin/sh\necho \"$0: /lib64/libc.so.6: version \\`GLIBC_2.99' not found (required by $0)\" >&2\n\
         exit 1\n",
    );
    let said = root.refuses("handler", "Runtime.HandlerExited");
    assert_eq!(
        said,
        "the handler ended before it was ready: exit status 1; it was built against a newer C library than \
         there is here: link it statically, build it on an older system, or deploy an image. It last \
         wrote:\n/var/task/handler: /lib64/libc.so.6: version `GLIBC_2.99' not found (required by \
         /var/task/handler)"
    );
}

#[test]
fn a_program_that_ends_at_its_start_is_told_with_its_last_words() {
    let root = TaskRoot::with("#!/bin/sh\necho no database >&2\nexit 7\n");
    assert_eq!(
        root.refuses("handler", "Runtime.HandlerExited"),
        "the handler ended before it was ready: exit status 7. It last wrote:\nno database"
    );
    // However soon it ends.
    for _ in 0..trials(1).min(20) {
        let root = TaskRoot::new();
        symlink("/bin/false", root.path().join("handler")).unwrap();
        assert_eq!(
            root.refuses("handler", "Runtime.HandlerExited"),
            "the handler ended before it was ready: exit status 1"
        );
    }
}
