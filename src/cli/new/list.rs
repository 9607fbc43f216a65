//! `new --list`: the languages, and which of them can be built here.

use std::fmt::Write;

use serde::Serialize;

use super::catalogue::{Form, Language};
use crate::cli::Exit;
use crate::cli::ui::{self, Style, Ui};

/// A row, as --json prints it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    name: &'a str,
    title: &'a str,
    about: &'a str,
    form: Form,
    is_installed: bool,
    missing: Vec<&'a str>,
    debian: &'a [String],
}

pub(super) fn run(languages: &[Language], json: bool, ui: Ui) -> anyhow::Result<Exit> {
    let rows: Vec<Row<'_>> = languages
        .iter()
        .map(|language| {
            let missing = language.missing();
            Row {
                name: &language.name,
                title: &language.title,
                about: &language.about,
                form: language.form,
                is_installed: missing.is_empty(),
                missing,
                debian: &language.debian,
            }
        })
        .collect();
    if json {
        let mut object = serde_json::to_vec(&rows)?;
        object.push(b'\n');
        ui::print(&object)?;
    } else {
        ui::print(table(&rows, ui).as_bytes())?;
    }
    Ok(Exit::Done)
}

fn table(rows: &[Row<'_>], ui: Ui) -> String {
    let width = |text: fn(&Row<'_>) -> usize| rows.iter().map(text).max().unwrap_or_default();
    let names = width(|row| row.name.len());
    let abouts = width(|row| row.about.chars().count());
    let mut text = String::new();
    for row in rows {
        let (style, here) = if row.is_installed {
            (Style::Out, "installed".to_owned())
        } else {
            (Style::Warning, format!("needs {}", row.missing.join(", ")))
        };
        let (name, about) = (row.name, row.about);
        let here = ui.paint(style, &here);
        // A text cannot be refused by a string.
        writeln!(text, "{name:names$}  {about:abouts$}  {:8}  {here}", row.form.word()).ok();
    }
    text
}
