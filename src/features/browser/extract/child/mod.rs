//! The child: bytes from standard input, one JSON object to standard output.

mod charset;
mod depth;
mod html;
pub(super) mod limits;
mod links;
mod pdf;
#[cfg(test)]
mod tests;
mod text;

use std::io::{self, Read, Write};

use reqwest::Url;

use super::{Answer, Extracted, Kind, MAX_CHARS, MAX_INPUT_BYTES};

/// Reads a document from standard input and writes what it says to standard output. Limits this process for good.
///
/// # Errors
/// Where the limits cannot be set, and where standard input cannot be read or standard output not be written.
pub(crate) fn serve(kind: Kind, charset: Option<&str>, base_url: Option<&str>) -> io::Result<()> {
    limits::set()?;
    let mut document = Vec::new();
    let limit = MAX_INPUT_BYTES as u64;
    io::stdin().take(limit + 1).read_to_end(&mut document)?;
    let answer = if document.len() > MAX_INPUT_BYTES {
        Answer::Unreadable(format!("it is larger than {MAX_INPUT_BYTES} bytes"))
    } else {
        let base = base_url.and_then(|url| Url::parse(url).ok());
        match extract(kind, charset, base.as_ref(), &document) {
            Ok(extracted) => Answer::Extracted(Box::new(cut(extracted))),
            Err(why) => Answer::Unreadable(why),
        }
    };
    let mut answer = serde_json::to_vec(&answer)?;
    answer.push(b'\n');
    let mut stdout = io::stdout().lock();
    stdout.write_all(&answer)?;
    stdout.flush()
}

/// What a document says, or why it cannot be read, as a part of a sentence.
fn extract(
    kind: Kind,
    charset: Option<&str>,
    base: Option<&Url>,
    document: &[u8],
) -> Result<Extracted, String> {
    match kind {
        Kind::Html => Ok(html::read(&charset::decode(document, charset), base)),
        Kind::Text => Ok(text::read(&charset::decode(document, charset))),
        Kind::Pdf => pdf::read(document),
    }
}

/// Leaves out the end of what is too long. A line is kept whole where that costs little.
fn cut(mut extracted: Extracted) -> Extracted {
    if let Some((at, _)) = extracted.markdown.char_indices().nth(MAX_CHARS) {
        let kept = &extracted.markdown[..at];
        let line = kept.rfind('\n').filter(|line| at - line < 1000);
        extracted.markdown.truncate(line.unwrap_or(at));
        extracted.is_truncated = true;
    }
    for label in [&mut extracted.title, &mut extracted.description] {
        shorten(label);
    }
    extracted
}

/// A title or a description: one line, and no longer than anybody reads.
fn shorten(label: &mut Option<String>) {
    const LABEL_CHARS: usize = 1000;
    if let Some(text) = label.take() {
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        *label =
            Some(line.chars().take(LABEL_CHARS).collect::<String>()).filter(|it| !it.is_empty());
    }
}
