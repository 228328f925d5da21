//! What is to be extracted from.

use std::str::FromStr;

/// What kind of document bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A web page.
    Html,
    /// A PDF document.
    Pdf,
    /// Anything that is text already; JSON, XML and the like become a block of code.
    Text,
}

impl Kind {
    /// The kind that a `Content-Type` names; none where it is nothing to be read as text.
    #[must_use]
    pub fn of_content_type(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let essence = essence.to_ascii_lowercase();
        match essence.as_str() {
            "text/html" | "application/xhtml+xml" => Some(Self::Html),
            "application/pdf" | "application/x-pdf" => Some(Self::Pdf),
            "application/json" | "application/xml" | "application/yaml" => Some(Self::Text),
            other => {
                (other.starts_with("text/") || other.ends_with("+json") || other.ends_with("+xml"))
                    .then_some(Self::Text)
            }
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Pdf => "pdf",
            Self::Text => "text",
        }
    }
}

impl FromStr for Kind {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        [Self::Html, Self::Pdf, Self::Text]
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or("one of html, pdf, text")
    }
}

/// A document as it came.
#[derive(Clone)]
pub struct Input {
    /// What it is.
    pub kind: Kind,
    /// The character set that its server named, as it was named. One that is not known, or that the bytes refute, is
    /// passed over.
    pub charset: Option<String>,
    /// Where it came from: what its links are relative to.
    pub url: String,
    /// The document, [`super::MAX_INPUT_BYTES`] at most, without any transfer encoding.
    pub bytes: Vec<u8>,
}

/// Without the document, which is nobody's business in a log, and without the address, which may hold a secret.
impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input")
            .field("kind", &self.kind)
            .field("charset", &self.charset)
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_type_names_the_kind() {
        for (content_type, kind) in [
            ("text/html; charset=utf-8", Some(Kind::Html)),
            ("Application/XHTML+XML", Some(Kind::Html)),
            ("application/pdf", Some(Kind::Pdf)),
            ("application/ld+json", Some(Kind::Text)),
            ("text/plain", Some(Kind::Text)),
            ("image/png", None),
            ("application/octet-stream", None),
            ("", None),
        ] {
            assert_eq!(Kind::of_content_type(content_type), kind, "{content_type}");
        }
    }

    #[test]
    fn kinds_are_read_as_they_are_written() {
        for kind in [Kind::Html, Kind::Pdf, Kind::Text] {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        assert!("exe".parse::<Kind>().is_err());
    }
}
