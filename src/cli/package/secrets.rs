//! Names by which secrets are known.  A package goes where many can read it, and a key in it was mostly
//! not meant to.

/// Folders and files whose name alone says what they are.
const NAMES: &[(&str, &str)] = &[
    (".git", "a repository with its whole history"),
    (".hg", "a repository with its whole history"),
    (".svn", "a repository's working data"),
    (".aws", "AWS credentials"),
    (".ssh", "SSH keys"),
    (".gnupg", "GnuPG keys"),
    (".kube", "Kubernetes credentials"),
    (".docker", "registry credentials"),
    (".netrc", "passwords"),
    (".pgpass", "passwords"),
    (".my.cnf", "passwords"),
    (".npmrc", "registry credentials"),
    (".pypirc", "registry credentials"),
    (".git-credentials", "passwords"),
    (".htpasswd", "passwords"),
    ("credentials", "credentials"),
    ("credentials.json", "credentials"),
    ("secrets.json", "secrets"),
    ("secrets.yml", "secrets"),
    ("secrets.yaml", "secrets"),
    ("id_rsa", "a private key"),
    ("id_dsa", "a private key"),
    ("id_ecdsa", "a private key"),
    ("id_ed25519", "a private key"),
    ("terraform.tfstate", "infrastructure state with its secrets"),
    ("prod.secret.exs", "secrets"),
    ("master.key", "a private key"),
];

/// Ends of names that say so.
const ENDS: &[&str] = &[".p12", ".pfx", ".jks", ".keystore", ".ppk", ".kdbx"];

/// Ends of names of files that may hold a private key, and mostly hold something public.
const PERHAPS: &[&str] = &[".pem", ".key", ".crt", ".cer"];

/// What kind of secret a part of a path is by its name, if any.
#[must_use]
pub fn kind(part: &str) -> Option<&'static str> {
    let part = part.to_ascii_lowercase();
    let is_environment = part == ".env" || part.starts_with(".env.");
    let is_sample =
        [".example", ".sample", ".template", ".dist"].iter().any(|end| part.ends_with(end));
    if is_environment && !is_sample {
        return Some("variables, mostly with secrets");
    }
    let named = NAMES.iter().find(|(name, _)| *name == part).map(|(_, kind)| *kind);
    named.or_else(|| ENDS.iter().any(|end| part.ends_with(end)).then_some("private keys"))
}

/// Whether a file of this name is to be searched for a private key.
#[must_use]
pub fn may_hold_key(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    PERHAPS.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_names_and_others_are_not() {
        for name in [".env", ".env.production", ".git", "ID_RSA", "x.pfx", "credentials", ".aws"] {
            assert!(kind(name).is_some(), "{name}");
        }
        for name in [".env.example", ".gitignore", "environment", "id_rsa.pub", "credentials.py"] {
            assert_eq!(kind(name), None, "{name}");
        }
        assert!(may_hold_key("server.KEY") && may_hold_key("ca.pem") && !may_hold_key("key.txt"));
    }
}
