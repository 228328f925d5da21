//! What a page says to be.

use reqwest::header::{CONTENT_TYPE, HeaderMap};

use crate::features::browser::extract::Kind;

/// A `Content-Type`, taken apart. It is not guessed from the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ContentType {
    /// In lower case; empty where there is none.
    pub(super) name: String,
    /// In lower case and without quotes.
    pub(super) charset: Option<String>,
}

impl ContentType {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let value = headers.get(CONTENT_TYPE);
        let value = value.map(|value| String::from_utf8_lossy(value.as_bytes()).to_lowercase());
        let value = value.unwrap_or_default();
        let mut parts = value.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_owned();
        let charset = parts
            .find_map(|part| part.strip_prefix("charset="))
            .map(|charset| charset.trim_matches(['"', '\'', ' ']).to_owned())
            .filter(|charset| !charset.is_empty());
        Self { name, charset }
    }

    /// Pages, texts, data in text, and PDFs.
    pub(super) fn is_readable(&self) -> bool {
        Kind::of_content_type(&self.name).is_some()
    }
}
