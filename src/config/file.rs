//! Reading a configuration file, and saying where it is wrong.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Layer;

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ConfigError {
    /// It cannot be read.
    #[error("cannot read the configuration {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something in it is wrong.
    #[error("{}:{line}:{column}: {what}\n  {line} | {text}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong, and what to do.
        what: String,
        /// The line itself.
        text: String,
    },
}

/// Reads a TOML file.
///
/// # Errors
/// Where it cannot be read, is no TOML, has a key that is not known or a value that is not allowed.
pub(crate) fn load(path: &Path) -> Result<Layer, ConfigError> {
    let text = fs::read_to_string(path).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })?;
    toml::from_str(&text).map_err(|error| wrong(path, &text, &error))
}

fn wrong(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let start = error.span().map_or(0, |span| span.start).min(text.len());
    let before = &text[..start];
    let line = before.matches('\n').count() + 1;
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    ConfigError::Wrong {
        path: path.to_owned(),
        line,
        column: before[line_start..].chars().count() + 1,
        what: explain(error.message()),
        text: text.lines().nth(line - 1).unwrap_or_default().to_owned(),
    }
}

/// An unknown key with the one that may have been meant, among those that are known in its place.
fn explain(message: &str) -> String {
    let mut named = message.split('`').skip(1).step_by(2);
    let (true, Some(key)) = (message.starts_with("unknown field"), named.next()) else {
        return message.trim_end().to_owned();
    };
    let keys: Vec<_> = named.collect();
    let close = |known: &&&str| strsim::damerau_levenshtein(key, known) <= 1 + key.len() / 4;
    let nearest = keys
        .iter()
        .filter(close)
        .min_by_key(|known| strsim::damerau_levenshtein(key, known));
    match nearest {
        Some(nearest) => format!("unknown key `{key}`; did you mean `{nearest}`?"),
        None => format!("unknown key `{key}`; the keys are {}", keys.join(", ")),
    }
}
