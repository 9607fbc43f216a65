//! The commands to run next, with their words as a shell and the bootstrap take them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use anyhow::anyhow;

use super::Settings;
use super::assemble::Assembled;
use super::target::Target;

/// The function that is to be made.
#[derive(Debug)]
pub struct Of<'a> {
    /// What was packaged.
    pub assembled: &'a Assembled,
    /// Its name.
    pub name: &'a str,
    /// The value of `LAMBDA_STDIO_ARGS`; empty for none.
    pub words: &'a str,
    /// What the project says of it.
    pub settings: &'a Settings,
}

/// The commands that put the zips into Lambda; none where the target is no runtime of Lambda's.
#[must_use]
pub fn commands(
    target: &Target,
    of: &Of<'_>,
    function: Option<&Path>,
    layer: Option<&Path>,
) -> Vec<String> {
    let Some(runtime) = &target.runtime else { return Vec::new() };
    let Of { assembled, name, words, settings } = of;
    let architecture = assembled.architecture;
    let mut commands = Vec::new();
    if let Some(path) = layer {
        commands.push(format!(
            "aws lambda publish-layer-version --layer-name lambda-stdio --compatible-runtimes {runtime} \
             --compatible-architectures {architecture} --zip-file {}",
            quote(&format!("fileb://{}", path.display()))
        ));
    }
    if let (Some(path), Some(handler)) = (function, &assembled.handler) {
        let mut command = format!(
            "aws lambda create-function --function-name {name} --runtime {runtime} \
             --architectures {architecture} --role \"$ROLE_ARN\" --handler {}",
            quote(handler)
        );
        let mut variables: BTreeMap<&str, &str> = BTreeMap::new();
        let own = settings.variables.iter();
        variables.extend(own.map(|(name, value)| (name.as_str(), value.as_str())));
        if !words.is_empty() {
            variables.insert("LAMBDA_STDIO_ARGS", words);
        }
        if !variables.is_empty() {
            let variables = serde_json::json!({"Variables": variables});
            command.push_str(" --environment ");
            command.push_str(&quote(&variables.to_string()));
        }
        if let Some(memory) = settings.memory_mb {
            command.push_str(" --memory-size ");
            command.push_str(&memory.to_string());
        }
        if let Some(timeout) = settings.timeout {
            // Lambda takes whole seconds.
            command.push_str(" --timeout ");
            command.push_str(&timeout.as_secs_f64().ceil().to_string());
        }
        if layer.is_some() {
            command.push_str(" --layers \"$LAYER_VERSION_ARN\"");
        }
        command.push_str(" --zip-file ");
        command.push_str(&quote(&format!("fileb://{}", path.display())));
        commands.push(command);
    }
    commands
}

/// Arguments as one text, which the bootstrap splits into the same again.
///
/// # Errors
/// When one of them is no text.
pub fn words(arguments: &[OsString]) -> anyhow::Result<String> {
    let words = arguments.iter().map(|argument| {
        let text = argument.to_str();
        text.map(quote).ok_or_else(|| {
            anyhow!(
                "the argument {} is not UTF-8, as variables of functions are",
                argument.display()
            )
        })
    });
    Ok(words.collect::<anyhow::Result<Vec<_>>>()?.join(" "))
}

/// A word as a shell takes it for itself.
#[must_use]
pub fn quote(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@,+%".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_split_them() {
        assert_eq!(quote("./a-b_c.d"), "./a-b_c.d");
        assert_eq!(quote("it's $x"), "'it'\\''s $x'");
        assert_eq!(quote(""), "''");
    }
}
