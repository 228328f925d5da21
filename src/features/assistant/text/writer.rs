//! The text as it grows: the gaps between blocks, the marks of list items, and what is open.

use std::ops::Range;

use teloxide::types::MessageEntityKind;

use super::Rich;
use super::span::Span;

/// The indent of an item's lines is this much more than that of its mark.
pub(super) const MARK_WIDTH: usize = 3;

/// What stands between two blocks; as a number, the line ends that it is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gap {
    #[default]
    None,
    Line,
    /// An empty line.
    Paragraph,
}

/// A format that was begun.
struct Open {
    kind: MessageEntityKind,
    start: usize,
}

/// Nothing is written before something is to be read: gaps and marks wait for it.
#[derive(Default)]
pub(super) struct Writer {
    text: String,
    spans: Vec<Span>,
    /// No two of them are the same, so there are a handful at most.
    open: Vec<Open>,
    gap: Gap,
    indent: usize,
    mark: Option<String>,
    /// Where the last mark ended.
    marked: usize,
}

impl Writer {
    pub(super) fn push(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.settle();
        self.text.push_str(text);
    }

    /// A new line of the same paragraph.
    pub(super) fn line(&mut self) {
        self.settle();
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n(' ', self.indent));
    }

    /// Keeps what comes next at this distance from what was there; the largest that is asked for counts.
    pub(super) fn keep_off(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
    }

    /// Begins a block in a line of its own, or beside the mark of its item.
    pub(super) fn block(&mut self) {
        if self.text.len() > self.marked {
            self.keep_off(Gap::Line);
        }
    }

    /// Sets a mark before the next word, in place of one that is still waiting there. Lines that follow are indented.
    pub(super) fn mark(&mut self, mark: String) {
        self.mark = Some(mark);
    }

    pub(super) fn has_mark(&self) -> bool {
        self.mark.is_some()
    }

    /// How many spaces lines begin with from now on.
    pub(super) fn indent(&mut self, spaces: usize) {
        self.indent = spaces;
    }

    /// Writes gap and mark, and says where the next word would be.
    pub(super) fn settle(&mut self) -> usize {
        let gap = std::mem::take(&mut self.gap);
        let is_first = self.text.is_empty();
        if !is_first {
            // A quote with nothing in it has left its gap.
            let there = self.text.len() - self.text.trim_end_matches('\n').len();
            let wanted = gap as usize;
            self.text
                .extend(std::iter::repeat_n('\n', wanted.saturating_sub(there)));
        }
        let mark = self.mark.take();
        if is_first || gap != Gap::None {
            let hanging = mark.as_ref().map_or(0, |_| MARK_WIDTH);
            let spaces = self.indent.saturating_sub(hanging);
            self.text.extend(std::iter::repeat_n(' ', spaces));
        }
        if let Some(mark) = mark {
            self.text.push_str(&mark);
            self.marked = self.text.len();
        }
        self.text.len()
    }

    /// Begins a format. The gap before it is not in it, and neither is the mark.
    pub(super) fn begin(&mut self, kind: MessageEntityKind) {
        let start = self.settle();
        self.open.push(Open { kind, start });
    }

    /// Ends the format that was begun last.
    pub(super) fn end(&mut self) {
        if let Some(open) = self.open.pop() {
            self.span(open.kind, open.start..self.text.len());
        }
    }

    pub(super) fn is_open(&self, is_wanted: impl Fn(&MessageEntityKind) -> bool) -> bool {
        self.open.iter().any(|open| is_wanted(&open.kind))
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Code has no format beside its own: the others end before it, and begin again behind it. In a link it is plain.
    pub(super) fn code(&mut self, kind: MessageEntityKind, code: &str) {
        if code.is_empty() {
            return;
        }
        if self.is_open(|kind| matches!(kind, MessageEntityKind::TextLink { .. })) {
            return self.push(code);
        }
        let start = self.settle();
        self.text.push_str(code);
        let end = self.text.len();
        for open in &mut self.open {
            if open.kind != MessageEntityKind::Blockquote {
                let before = std::mem::replace(&mut open.start, end)..start;
                let kind = open.kind.clone();
                self.spans.push(Span {
                    kind,
                    range: before,
                });
            }
        }
        self.span(kind, start..end);
    }

    /// Lines of code of their own, at the left edge whatever they belong to.
    pub(super) fn code_block(&mut self, language: Option<String>, code: &str) {
        if self.has_mark() {
            self.settle();
        }
        let indent = std::mem::take(&mut self.indent);
        self.keep_off(Gap::Line);
        self.code(MessageEntityKind::Pre { language }, code);
        self.keep_off(Gap::Paragraph);
        self.indent = indent;
    }

    pub(super) fn finish(mut self) -> Rich {
        while !self.open.is_empty() {
            self.end();
        }
        let whole = 0..self.text.len();
        Rich::cut_out(&self.text, &self.spans, whole)
    }

    fn span(&mut self, kind: MessageEntityKind, range: Range<usize>) {
        if !range.is_empty() {
            self.spans.push(Span { kind, range });
        }
    }
}
