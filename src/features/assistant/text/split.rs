//! A long text in parts that are each short enough for a message.

#[cfg(test)]
mod tests;

use super::Rich;
use super::cut::{Window, best};
use super::span::Span;

/// Telegram takes no notice of a message's further entities.
const MOST_ENTITIES: usize = 100;

/// Parts of at most so many UTF-16 units and 100 entities, none of them empty, each ending where a reader would pause if
/// there is such a place. What is open at an end goes on in the next part. White space at the ends of parts is gone, but
/// for the indentation of code.
///
/// A limit below two counts as two: that is what a character may take.
pub(in super::super) fn split(rich: &Rich, limit: usize) -> Vec<Rich> {
    let limit = limit.max(2);
    let (text, spans) = (rich.text.as_str(), rich.spans());
    let mut rest = spans.as_slice();
    let mut open: Vec<&Span> = Vec::new();
    let mut parts = Vec::new();
    let mut from = 0;
    loop {
        from = skip_space(text, from, &open, rest);
        if from >= text.len() {
            return parts;
        }
        open.retain(|span| span.range.end > from);
        let end = farthest(text, from, limit, open.len(), rest);
        let coming = rest.partition_point(|span| span.range.start < end);
        open.extend(rest[..coming].iter().filter(|span| span.range.end > from));
        rest = &rest[coming..];
        let window = Window {
            text,
            from,
            end,
            spans: &open,
        };
        let cut = if end == text.len() {
            end
        } else {
            best(&window)
        };
        let mut part = Rich::cut_out(text, open.iter().copied(), from..cut);
        part.entities.truncate(MOST_ENTITIES);
        if !part.text.is_empty() {
            parts.push(part);
        }
        from = cut;
    }
}

/// Where the next part begins: behind white space, but for what code begins with. A line that was cut off ends there.
fn skip_space(text: &str, from: usize, open: &[&Span], rest: &[Span]) -> usize {
    let goes_on = |span: &Span| span.is_code() && span.range.start < from && from < span.range.end;
    if open.iter().any(|span| goes_on(span)) {
        return from + usize::from(text[from..].starts_with('\n'));
    }
    let behind = text.len() - text[from..].trim_start().len();
    let begun = open.iter().copied().filter(|span| span.range.start >= from);
    let mut coming = begun
        .chain(rest)
        .take_while(|span| span.range.start < behind);
    let code = coming.find(|span| span.is_code());
    code.map_or(behind, |code| code.range.start)
}

/// The last place where a part that begins here may end. It is behind the first character in any case.
fn farthest(text: &str, from: usize, limit: usize, open: usize, rest: &[Span]) -> usize {
    let mut units = 0;
    let too_many = |(_, next): &(usize, char)| {
        units += next.len_utf16();
        units > limit
    };
    let over = text[from..].char_indices().find(too_many);
    let end = over.map_or(text.len(), |(at, _)| from + at);
    let crowded = MOST_ENTITIES
        .checked_sub(open)
        .and_then(|room| rest.get(room));
    match crowded {
        Some(span) if span.range.start > from => end.min(span.range.start),
        _ => end,
    }
}
