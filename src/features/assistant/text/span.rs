//! Marked places, in bytes; and the way from and to Telegram's UTF-16 units.

use std::cmp::Reverse;
use std::ops::Range;

use teloxide::types::{MessageEntity, MessageEntityKind};

use super::Rich;

/// A marked place in a text, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) kind: MessageEntityKind,
    pub(super) range: Range<usize>,
}

impl Span {
    /// Whether it shows its text letter by letter, white space included.
    pub(super) fn is_code(&self) -> bool {
        is_code(&self.kind)
    }

    /// The outer of two comes first, and code last.
    fn order(&self) -> impl Ord + use<> {
        let Range { start, end } = self.range;
        (start, Reverse(end), self.is_code())
    }

    /// Its part between two places, without white space at the ends where that means nothing. None where nothing is left.
    pub(super) fn within(&self, text: &str, bounds: &Range<usize>) -> Option<Self> {
        let start = self.range.start.max(bounds.start);
        let end = self.range.end.min(bounds.end);
        let inside = text.get(start..end)?;
        if inside.trim().is_empty() {
            return None;
        }
        // Code means its indentation, and a quote may begin with code.
        let keeps_start = self.is_code() || self.kind == MessageEntityKind::Blockquote;
        let start = match keeps_start {
            true => start,
            false => end - inside.trim_start().len(),
        };
        let range = start..end - (inside.len() - inside.trim_end().len());
        Some(Self {
            kind: self.kind.clone(),
            range,
        })
    }
}

pub(super) fn is_code(kind: &MessageEntityKind) -> bool {
    matches!(
        kind,
        MessageEntityKind::Code | MessageEntityKind::Pre { .. }
    )
}

impl Rich {
    /// The text between two places, with what is marked there. White space at its end is left out.
    pub(super) fn cut_out<'a>(
        text: &str,
        spans: impl IntoIterator<Item = &'a Span>,
        bounds: Range<usize>,
    ) -> Self {
        let inside = text[bounds.clone()].trim_end();
        let bounds = bounds.start..bounds.start + inside.len();
        let mut spans: Vec<Span> = spans
            .into_iter()
            .filter_map(|span| span.within(text, &bounds))
            .collect();
        spans.sort_by_key(Span::order);
        let places = spans
            .iter()
            .flat_map(|span| [span.range.start, span.range.end]);
        let units = Units::of(inside, places.map(|place| place - bounds.start));
        let entities = spans.into_iter().map(|span| {
            let at = |place: usize| units.at(place - bounds.start);
            let (start, end) = (at(span.range.start), at(span.range.end));
            MessageEntity::new(span.kind, start, end - start)
        });
        Self {
            entities: entities.collect(),
            text: inside.to_owned(),
        }
    }

    /// What is marked, in bytes and in the order of the beginnings. What does not lie in the text is left out.
    pub(super) fn spans(&self) -> Vec<Span> {
        let mut places: Vec<usize> = self
            .entities
            .iter()
            .flat_map(|entity| [entity.offset, entity.offset.saturating_add(entity.length)])
            .collect();
        places.sort_unstable();
        places.dedup();
        let bytes = bytes_at(&self.text, &places);
        let at = |place: usize| {
            let index = places.binary_search(&place).ok()?;
            bytes.get(index).copied()
        };
        let spans = self.entities.iter().filter_map(|entity| {
            let end = entity.offset.checked_add(entity.length)?;
            let range = at(entity.offset)?..at(end)?;
            let kind = entity.kind.clone();
            (!range.is_empty()).then_some(Span { kind, range })
        });
        let mut spans: Vec<Span> = spans.collect();
        spans.sort_by_key(Span::order);
        spans
    }
}

/// Places of a text, each in bytes and in UTF-16 units.
struct Units(Vec<(usize, usize)>);

impl Units {
    /// Counts once through the text, up to each of these places.
    fn of(text: &str, places: impl Iterator<Item = usize>) -> Self {
        let mut places: Vec<usize> = places.collect();
        places.sort_unstable();
        places.dedup();
        let (mut from, mut units) = (0, 0);
        let counted = places.into_iter().map(|place| {
            units += text[from..place].encode_utf16().count();
            from = place;
            (place, units)
        });
        Self(counted.collect())
    }

    fn at(&self, place: usize) -> usize {
        let index = self.0.binary_search_by_key(&place, |(place, _)| *place);
        index.map_or(0, |index| self.0[index].1)
    }
}

/// Where so many UTF-16 units are over, for each of these numbers, which grow; up to the first that is beyond the text.
/// A place in the middle of a character is moved behind it.
fn bytes_at(text: &str, units: &[usize]) -> Vec<usize> {
    let mut found = Vec::with_capacity(units.len());
    let mut seen = 0;
    let ends = text.char_indices().map(|(at, next)| (at, next.len_utf16()));
    for (at, width) in ends.chain([(text.len(), 1)]) {
        while units.get(found.len()).is_some_and(|wanted| *wanted <= seen) {
            found.push(at);
        }
        seen += width;
    }
    found
}
