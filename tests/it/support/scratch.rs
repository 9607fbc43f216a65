//! A folder that handlers and tests tell each other things through: `$D` in a handler's script.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::sys::stat::Mode;

use super::eventually;

/// Shell words that count generations: `$n` is this one's number.
pub(crate) const COUNT: &str = r#"echo x >>"$D/generations"; n=$(wc -l <"$D/generations")"#;
/// Shell words that wait until the test opens the gate.
pub(crate) const WAIT: &str = r#"echo x >"$D/waiting"; read -r _ <"$D/gate""#;

/// A folder of its own, with a gate.
pub(crate) struct Scratch(tempfile::TempDir);

impl Scratch {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        nix::unistd::mkfifo(&folder.path().join("gate"), Mode::S_IRWXU).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The path as text.
    pub(crate) fn text(&self) -> &str {
        self.path().to_str().unwrap()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// What is in a file now; nothing if there is none.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    /// Waits until a file has a whole first line; its text.
    #[track_caller]
    pub(crate) fn written(&self, name: &str) -> String {
        eventually(&format!("{name} is written"), || self.read(name).ends_with('\n'));
        self.read(name)
    }

    /// Lets the handler on that waits, once it does.
    #[track_caller]
    pub(crate) fn open_gate(&self) {
        self.written("waiting");
        fs::remove_file(self.file("waiting")).unwrap();
        fs::write(self.file("gate"), "go\n").unwrap();
    }

    /// How many generations have counted themselves.
    pub(crate) fn generations(&self) -> usize {
        self.read("generations").lines().count()
    }

    /// A file that can be executed.
    pub(crate) fn program(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let file = self.file(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, content).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        file
    }
}
