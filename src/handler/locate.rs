//! Which file a program's name means.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::config::Program;

/// How many names of the task root an error lists.
const LISTED: usize = 20;

/// The program's file, or why none can be meant, in words.
///
/// Only a bare name that is nowhere is refused here; whatever has a path is started, and exec decides.
pub(super) fn locate(program: &Program) -> Result<PathBuf, String> {
    let name = Path::new(&program.name);
    if program.name.as_bytes().contains(&b'/') {
        // Joining an absolute path leaves it as it is; `./` says nothing, and is left out of messages too.
        return Ok(program.task_root.join(name).components().collect());
    }
    let in_task_root = program.task_root.join(name);
    if in_task_root.is_file() {
        return Ok(in_task_root);
    }
    let path = program.environment.iter().find(|(name, _)| name == "PATH").map(|(_, path)| path);
    path.into_iter()
        .flat_map(std::env::split_paths)
        .map(|folder| folder.join(name))
        .find(|file| is_executable(file))
        .ok_or_else(|| nowhere(&program.name, &program.task_root, path.map(AsRef::as_ref)))
}

fn is_executable(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

fn nowhere(name: &OsStr, task_root: &Path, path: Option<&OsStr>) -> String {
    format!(
        "{:?} is neither in {} nor in PATH ({}); {}",
        name.to_string_lossy(),
        task_root.display(),
        path.unwrap_or_default().to_string_lossy(),
        contents(task_root)
    )
}

/// What is in a folder, in words.
pub(super) fn contents(folder: &Path) -> String {
    let mut names: Vec<String> = match std::fs::read_dir(folder) {
        Ok(entries) => entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect(),
        Err(error) => return format!("{} cannot be listed: {error}", folder.display()),
    };
    names.sort();
    let more = names.len().saturating_sub(LISTED);
    names.truncate(LISTED);
    let listed = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{} holds {listed}{more}", folder.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(name: &str, root: &Path, path: &str) -> Program {
        Program {
            name: name.into(),
            task_root: root.to_owned(),
            environment: vec![("PATH".into(), path.into())],
            ..Program::default()
        }
    }

    #[test]
    fn a_name_means_a_file_by_fixed_rules() {
        let root = tempfile::tempdir().expect("a folder");
        let root = root.path();
        std::fs::write(root.join("greet"), "").expect("a file");
        std::fs::create_dir(root.join("sh")).expect("a folder");
        for (name, file) in [
            ("greet", root.join("greet")),
            ("./greet", root.join("greet")),
            ("bin/greet", root.join("bin/greet")),
            ("/usr/bin/env", "/usr/bin/env".into()),
            ("sh", "/bin/sh".into()),
        ] {
            assert_eq!(locate(&program(name, root, "/nowhere:/bin")), Ok(file), "{name}");
        }
    }

    #[test]
    fn a_bare_name_that_is_nowhere_is_told_with_what_there_is() {
        let root = tempfile::tempdir().expect("a folder");
        for name in 0..22 {
            std::fs::write(root.path().join(format!("f{name:02}")), "").expect("a file");
        }
        let said = locate(&program("greet", root.path(), "/nowhere")).expect_err("nowhere");
        let shown = root.path().display();
        assert!(
            said.starts_with(&format!(
                "\"greet\" is neither in {shown} nor in PATH (/nowhere); {shown} holds f00, f01"
            )),
            "{said}"
        );
        assert!(said.ends_with("f19 and 2 more"), "{said}");
    }
}
