//! A script's first line, as the kernel and `env` read it.

/// What a first line asks for.
#[derive(Debug, PartialEq, Eq)]
pub struct Shebang {
    /// The program that is to run the script.
    pub interpreter: String,
    /// The program that `env` is to look for, where that is the interpreter.
    pub by_env: Option<String>,
}

/// Why no interpreter can be meant.
#[derive(Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The line ends in one.
    CarriageReturn,
    /// There is nothing behind `#!`.
    Empty,
}

/// Reads what stands behind `#!`.
///
/// # Errors
/// When no interpreter can be meant.
pub fn parse(line: &[u8]) -> Result<Shebang, Wrong> {
    if line.ends_with(b"\r") {
        return Err(Wrong::CarriageReturn);
    }
    let line = String::from_utf8_lossy(line);
    let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
    let interpreter = words.next().ok_or(Wrong::Empty)?.to_owned();
    let is_env = interpreter.rsplit('/').next() == Some("env");
    // Options such as -S and variables come first, and two options have a value.
    let mut by_env = None;
    while let Some(word) = words.next().filter(|_| is_env) {
        if ["-u", "--unset", "-C", "--chdir"].contains(&word) {
            words.next();
        } else if !word.starts_with('-') && !word.contains('=') {
            by_env = Some(word.to_owned());
            break;
        }
    }
    Ok(Shebang { interpreter, by_env })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_lines_are_read_as_the_kernel_and_env_read_them() {
        for (line, interpreter, by_env) in [
            (" /bin/sh -e", "/bin/sh", None),
            ("/usr/bin/env python3", "/usr/bin/env", Some("python3")),
            ("/usr/bin/env -S jq -c --unbuffered", "/usr/bin/env", Some("jq")),
            ("/usr/bin/env -S A=1 node", "/usr/bin/env", Some("node")),
            ("/usr/bin/env -S -u FOO -C /tmp bash", "/usr/bin/env", Some("bash")),
            ("/usr/bin/env -S /bin/bash -e", "/usr/bin/env", Some("/bin/bash")),
            ("/usr/bin/env", "/usr/bin/env", None),
        ] {
            let shebang = parse(line.as_bytes()).expect("an interpreter");
            assert_eq!(shebang.interpreter, interpreter);
            assert_eq!(shebang.by_env.as_deref(), by_env, "{line}");
        }
        assert_eq!(parse(b"/bin/sh\r"), Err(Wrong::CarriageReturn));
        assert_eq!(parse(b"  "), Err(Wrong::Empty));
    }
}
