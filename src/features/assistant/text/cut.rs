//! Where a text is best cut.

use unicode_segmentation::GraphemeCursor;

use super::span::Span;

/// What a part is cut from.
pub(super) struct Window<'a> {
    pub(super) text: &'a str,
    pub(super) from: usize,
    /// The last place that may be; a character's border, and not the end of the text.
    pub(super) end: usize,
    /// All that is marked here.
    pub(super) spans: &'a [&'a Span],
}

/// Kinds of places, the better ones last. In code there are lines, and no paragraphs and no sentences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Word,
    Sentence,
    Line,
    Paragraph,
}

/// The place to cut at, behind `from` and not behind `end`. A better kind of place is worth a part that is only half as
/// long as it could be; where there is none, the cut is between two characters as people see them.
pub(super) fn best(window: &Window<'_>) -> usize {
    let (text, from, end) = (window.text, window.from, window.end);
    let middle = from + (end - from) / 2;
    let mut found: Option<(Place, usize)> = None;
    let mut at = end;
    while at > middle {
        if let Some(place) = window.place(at)
            && found.is_none_or(|(best, _)| place > best)
        {
            found = Some((place, at));
            if place == Place::Paragraph {
                break;
            }
        }
        at -= text[..at].chars().next_back().map_or(1, char::len_utf8);
    }
    found.map_or_else(|| between_characters(text, from, end), |(_, at)| at)
}

impl Window<'_> {
    /// What a cut here would separate. The white space is behind the cut, because it is left out there.
    fn place(&self, at: usize) -> Option<Place> {
        let (before, after) = self.text.split_at(at);
        let last = before.chars().next_back()?;
        let next = after.chars().next()?;
        if !next.is_whitespace() {
            let ends_sentence = matches!(last, '。' | '！' | '？');
            return ends_sentence.then_some(Place::Sentence);
        }
        if last.is_whitespace() {
            return None;
        }
        let in_code =
            |span: &&&Span| span.is_code() && span.range.start < at && at < span.range.end;
        let is_in_code = || self.spans.iter().any(|span| in_code(&span));
        let space = &after[..after.len() - after.trim_start().len()];
        let place = match space.matches('\n').count() {
            2.. if !is_in_code() => Place::Paragraph,
            1.. => Place::Line,
            _ if matches!(last, '.' | '!' | '?' | '…' | ':') && !is_in_code() => Place::Sentence,
            _ => Place::Word,
        };
        Some(place)
    }
}

/// The last border of a character as people see it (an extended grapheme cluster); of any character where one alone is
/// longer than a part may be.
fn between_characters(text: &str, from: usize, end: usize) -> usize {
    let rest = &text[from..];
    let mut cursor = GraphemeCursor::new(end - from, rest.len(), true);
    let border = match cursor.is_boundary(rest, 0) {
        Ok(false) => cursor.prev_boundary(rest, 0).ok().flatten(),
        _ => None,
    };
    border.filter(|at| *at > 0).map_or(end, |at| from + at)
}
