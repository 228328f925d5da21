//! A PDF document: the text that is in it, page by page.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pdf_extract::{Document, Object, PlainTextOutput, output_doc_page};

use super::text::words;
use super::{Extracted, MAX_CHARS};

/// Reads a document.
///
/// # Errors
/// Where it is no PDF, or is damaged or locked as a whole. A single page that cannot be read is counted and left out.
pub(super) fn read(bytes: &[u8]) -> Result<Extracted, String> {
    // The parser panics on some damage. This process is here to be lost, but a page that fails need not cost the others; and
    // its words would quote the document.
    std::panic::set_hook(Box::new(|_| ()));
    let document =
        whole(|| open(bytes)).unwrap_or_else(|| Err("it is a damaged PDF".to_owned()))?;
    let mut extracted = Extracted {
        title: title(&document),
        ..Extracted::default()
    };
    let numbers: Vec<u32> = document.get_pages().into_keys().collect();
    extracted.pages = Some(u32::try_from(numbers.len()).unwrap_or(u32::MAX));
    for number in numbers {
        if extracted.markdown.len() > MAX_CHARS * 4 {
            break;
        }
        match whole(|| page(&document, number)).flatten() {
            Some(text) => add(&mut extracted.markdown, &text),
            None => extracted.unreadable_pages += 1,
        }
    }
    extracted.words = words(&extracted.markdown);
    Ok(extracted)
}

/// What this returns, or nothing where it panics.
fn whole<T>(read: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(read)).ok()
}

fn open(bytes: &[u8]) -> Result<Document, String> {
    let mut document =
        Document::load_mem(bytes).map_err(|_| "it is no PDF, or a damaged one".to_owned())?;
    // Most locked documents are so with an empty password, which keeps people from printing them and nobody from reading.
    // Where what locks it stands in the trailer itself, the parser does not count it as locked, and finds nothing in it.
    if document.trailer.has(b"Encrypt") && document.decrypt("").is_err() {
        return Err("it is a PDF that is locked with a password".to_owned());
    }
    if document.get_pages().is_empty() {
        return Err("it is a PDF without pages".to_owned());
    }
    Ok(document)
}

fn page(document: &Document, number: u32) -> Option<String> {
    let mut text = String::new();
    let mut output = PlainTextOutput::new(&mut text);
    output_doc_page(document, &mut output, number).ok()?;
    Some(text)
}

/// Paragraphs are kept, the layout is not: lines without a gap are put together again by whoever shows Markdown.
fn add(markdown: &mut String, page: &str) {
    let mut has_gap = true;
    for line in page.lines().map(str::trim) {
        if line.is_empty() {
            has_gap = true;
            continue;
        }
        if !markdown.is_empty() {
            markdown.push_str(if has_gap { "\n\n" } else { "\n" });
        }
        markdown.push_str(line);
        has_gap = false;
    }
}

fn title(document: &Document) -> Option<String> {
    let info = document.trailer.get(b"Info").ok()?;
    let info = match info {
        Object::Reference(id) => document.get_dictionary(*id).ok()?,
        other => other.as_dict().ok()?,
    };
    let bytes = info.get(b"Title").ok()?.as_str().ok()?;
    let title = match bytes {
        [0xfe, 0xff, rest @ ..] => encoding_rs::UTF_16BE.decode_without_bom_handling(rest).0,
        // Their own character set differs from this one in a few dashes.
        _ => super::charset::decode(bytes, Some("windows-1252")),
    };
    Some(title.trim().to_owned()).filter(|title| !title.is_empty())
}
