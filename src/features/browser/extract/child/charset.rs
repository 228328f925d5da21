//! Bytes as text, by whatever says best which character set they are in.

use std::borrow::Cow;
use std::sync::LazyLock;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8};
use regex::bytes::Regex;

/// Where a page may name its own character set, by the HTML standard. It is generous here: servers are not.
const PROLOGUE_BYTES: usize = 4096;

/// What `<meta charset>`, its older form, and an XML declaration have in common.
static DECLARED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let tag =
        r#"(?is-u)<(?:meta|\?xml)\b[^>]*?\b(?:charset|encoding)\s*=\s*["']?\s*([a-z0-9_:.+-]+)"#;
    Regex::new(tag).ok()
});

/// Decodes a document. A byte order mark is stronger than the server's word, that is stronger than the document's own; who
/// names none, or one that the bytes refute, is guessed at. What cannot be decoded becomes U+FFFD.
pub(super) fn decode<'a>(bytes: &'a [u8], named: Option<&str>) -> Cow<'a, str> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[mark..]).0;
    }
    let named = named.and_then(|label| Encoding::for_label(label.trim().as_bytes()));
    let candidates = [named, declared(bytes)];
    // Every byte is something in a character set of single bytes, so only that kind of label is never refuted by itself:
    // but text that happens to be UTF-8 throughout is UTF-8.
    if let Ok(text) = std::str::from_utf8(bytes)
        && candidates
            .iter()
            .flatten()
            .all(|it| it.is_single_byte() || *it == UTF_8)
    {
        return Cow::Borrowed(text);
    }
    for encoding in candidates.into_iter().flatten() {
        let (text, has_errors) = encoding.decode_without_bom_handling(bytes);
        if !has_errors {
            return text;
        }
    }
    let likely = candidates.into_iter().flatten().next();
    let encoding = likely
        .filter(|it| is_nearly(it, bytes))
        .unwrap_or_else(|| guess(bytes));
    encoding.decode_without_bom_handling(bytes).0
}

/// What the document itself says.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let prologue = &bytes[..bytes.len().min(PROLOGUE_BYTES)];
    let label = DECLARED.as_ref()?.captures(prologue)?.get(1)?;
    let encoding = Encoding::for_label(label.as_bytes())?;
    // Whoever can read the tag does not read UTF-16.
    Some(encoding.output_encoding())
}

/// Whether a few damaged places, a hundredth of it at most, are all that speaks against a label.
fn is_nearly(encoding: &'static Encoding, bytes: &[u8]) -> bool {
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    let damaged = text.matches('\u{fffd}').count();
    damaged * 100 <= bytes.len()
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    detector.guess(None, Utf8Detection::Allow)
}
