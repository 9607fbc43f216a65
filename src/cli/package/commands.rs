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

/// The commands that put the zips into Lambda, or an image that holds the function's; none for a system of
/// which nothing like that is known.
#[must_use]
pub fn commands(
    target: &Target,
    of: &Of<'_>,
    function: Option<&Path>,
    layer: Option<&Path>,
) -> Vec<String> {
    let Of { assembled, name, words, settings } = of;
    let architecture = assembled.architecture;
    let create = format!("aws lambda create-function --function-name {name}");
    let owner = format!("--architectures {architecture} --role \"$ROLE_ARN\"");
    let Some(runtime) = &target.runtime else {
        // The image's own command names the program and its arguments.
        let image = format!("{create} --package-type Image --code ImageUri=\"$IMAGE_URI\" {owner}");
        let is_image = !target.is_complete && function.is_some();
        return Vec::from_iter(is_image.then(|| image + &options(settings, "")));
    };
    let mut commands = Vec::new();
    if let Some(path) = layer {
        commands.push(format!(
            "aws lambda publish-layer-version --layer-name lambda-stdio --compatible-runtimes {runtime} \
             --compatible-architectures {architecture} --zip-file {}",
            quote(&format!("fileb://{}", path.display()))
        ));
    }
    if let (Some(path), Some(handler)) = (function, &assembled.handler) {
        let mut command =
            format!("{create} --runtime {runtime} {owner} --handler {}", quote(handler));
        command.push_str(&options(settings, words));
        if layer.is_some() {
            command.push_str(" --layers \"$LAYER_VERSION_ARN\"");
        }
        command.push_str(" --zip-file ");
        command.push_str(&quote(&format!("fileb://{}", path.display())));
        commands.push(command);
    }
    commands
}

/// What a function is given, as options of the command that creates it.
fn options(settings: &Settings, words: &str) -> String {
    let own = settings.variables.iter();
    let mut variables: BTreeMap<&str, &str> =
        own.map(|(name, value)| (name.as_str(), value.as_str())).collect();
    if !words.is_empty() {
        variables.insert("LAMBDA_STDIO_ARGS", words);
    }
    let mut options = String::new();
    if !variables.is_empty() {
        let variables = serde_json::json!({"Variables": variables}).to_string();
        options.push_str(&format_args!(" --environment {}", quote(&variables)).to_string());
    }
    if let Some(memory) = settings.memory_mb {
        options.push_str(&format_args!(" --memory-size {memory}").to_string());
    }
    if let Some(timeout) = settings.timeout {
        // Lambda takes whole seconds.
        options.push_str(&format_args!(" --timeout {}", timeout.as_secs_f64().ceil()).to_string());
    }
    options
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
