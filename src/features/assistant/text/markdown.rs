//! Markdown's events, written as a text and what is marked in it.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use teloxide::types::MessageEntityKind;

use super::Rich;
use super::address::linkable;
use super::table::Table;
use super::writer::{Gap, MARK_WIDTH, Writer};

/// Lists that are deeper in others are indented like this one.
const DEEPEST_INDENT: usize = 8;

/// Markdown as Telegram shows it. White space at the end is gone, and the rest can be empty.
pub(in super::super) fn render(markdown: &str) -> Rich {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut reader = Reader::default();
    for event in Parser::new_ext(markdown, options) {
        reader.read(event);
    }
    reader.writer.finish()
}

#[derive(Default)]
struct Reader {
    writer: Writer,
    /// Of the formats and quotes that are open, whether each was begun in the text: bold in bold is just bold.
    begun: Vec<bool>,
    links: Vec<Link>,
    /// The numbers that are next in the lists that are open; none for one of bullets.
    lists: Vec<Option<u64>>,
    code: Option<Code>,
    table: Option<Table>,
}

/// A link that is open.
struct Link {
    address: String,
    /// Where its text begins.
    start: usize,
    shown: Shown,
}

/// How a link's address is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// By an entity over the text.
    Marked,
    /// In brackets after the text.
    Written,
    /// Not at all: a picture that is a link leads where the link does.
    Left,
}

/// A block of code that is open.
struct Code {
    language: Option<String>,
    text: String,
}

impl Reader {
    fn read(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.text(&text),
            Event::Code(code) if self.table.is_some() => self.text(&code),
            Event::Code(code) => self.writer.code(MessageEntityKind::Code, &code),
            Event::SoftBreak | Event::HardBreak if self.table.is_some() => self.text(" "),
            Event::SoftBreak | Event::HardBreak => self.writer.line(),
            Event::Html(line) => {
                self.writer.keep_off(Gap::Line);
                self.text(line.trim_end());
            }
            Event::Rule => {
                self.writer.keep_off(Gap::Paragraph);
                self.text("———");
                self.writer.keep_off(Gap::Paragraph);
            }
            Event::TaskListMarker(is_done) => {
                let mark = if is_done { "☑ " } else { "☐ " };
                self.writer.mark(mark.to_owned());
            }
            // Only the first of these comes with the options above.
            Event::InlineHtml(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text)
            | Event::FootnoteReference(text) => self.text(&text),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Strong => self.begin(MessageEntityKind::Bold),
            Tag::Emphasis => self.begin(MessageEntityKind::Italic),
            Tag::Strikethrough => self.begin(MessageEntityKind::Strikethrough),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.begin_link(dest_url.into_string());
            }
            Tag::Heading { .. } => {
                self.writer.block();
                self.begin(MessageEntityKind::Bold);
            }
            Tag::BlockQuote(_) => {
                self.writer.block();
                self.begin(MessageEntityKind::Blockquote);
            }
            Tag::CodeBlock(kind) => self.code = Some(Code::new(&kind)),
            Tag::List(first) => self.begin_list(first),
            Tag::Item => self.begin_item(),
            Tag::Table(alignments) => self.table = Some(Table::new(alignments)),
            Tag::TableHead | Tag::TableRow => {
                if let Some(table) = &mut self.table {
                    table.begin_row();
                }
            }
            Tag::TableCell => {
                if let Some(table) = &mut self.table {
                    table.begin_cell();
                }
            }
            _ => self.writer.block(),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Strong | TagEnd::Emphasis | TagEnd::Strikethrough => self.end_format(),
            TagEnd::Link | TagEnd::Image => self.end_link(),
            TagEnd::Heading(_) | TagEnd::BlockQuote(_) => {
                self.end_format();
                self.writer.keep_off(Gap::Paragraph);
            }
            TagEnd::CodeBlock => {
                if let Some(Code { language, text }) = self.code.take() {
                    let text = text.strip_suffix('\n').unwrap_or(&text);
                    self.writer.code_block(language, text);
                }
            }
            TagEnd::List(_) => self.end_list(),
            TagEnd::Item => {
                if self.writer.has_mark() {
                    self.writer.settle();
                }
                self.writer.keep_off(Gap::Line);
            }
            TagEnd::Table => {
                if let Some(table) = self.table.take() {
                    self.writer.code_block(None, &table.draw());
                }
            }
            TagEnd::TableHead | TagEnd::TableRow | TagEnd::TableCell => {}
            _ => self.writer.keep_off(Gap::Paragraph),
        }
    }

    fn text(&mut self, text: &str) {
        match (&mut self.code, &mut self.table) {
            (Some(code), _) => code.text.push_str(text),
            (None, Some(table)) => table.push(text),
            (None, None) => self.writer.push(text),
        }
    }

    /// The text that the next word is added to.
    fn written(&self) -> &str {
        match &self.table {
            Some(table) => table.cell(),
            None => self.writer.text(),
        }
    }

    fn begin(&mut self, kind: MessageEntityKind) {
        let begins = self.table.is_none() && !self.writer.is_open(|open| *open == kind);
        self.begun.push(begins);
        if begins {
            self.writer.begin(kind);
        }
    }

    fn end_format(&mut self) {
        if self.begun.pop() == Some(true) {
            self.writer.end();
        }
    }

    fn begin_link(&mut self, address: String) {
        let url = linkable(&address).filter(|_| self.table.is_none());
        let is_nested = self.links.iter().any(|link| link.shown == Shown::Marked);
        let shown = match url {
            _ if is_nested => Shown::Left,
            Some(url) => {
                self.writer.begin(MessageEntityKind::TextLink { url });
                Shown::Marked
            }
            None => Shown::Written,
        };
        let start = self.written().len();
        self.links.push(Link {
            address,
            start,
            shown,
        });
    }

    fn end_link(&mut self) {
        let Some(link) = self.links.pop() else { return };
        let address = link.address.trim();
        let address = address.strip_prefix("mailto:").unwrap_or(address);
        let text = self.written()[link.start..].trim();
        if text.is_empty() {
            self.text(address);
        } else if link.shown == Shown::Written && text != address && !address.is_empty() {
            self.text(&format!(" ({address})"));
        }
        if link.shown == Shown::Marked {
            self.writer.end();
        }
    }

    fn begin_list(&mut self, first: Option<u64>) {
        if self.writer.has_mark() {
            self.writer.settle();
        }
        self.writer.keep_off(Gap::Line);
        self.lists.push(first);
        self.indent();
    }

    fn begin_item(&mut self) {
        self.writer.keep_off(Gap::Line);
        self.writer.mark(match self.lists.last_mut() {
            Some(Some(number)) => {
                let mark = format!("{number}. ");
                *number = number.saturating_add(1);
                mark
            }
            _ => "• ".to_owned(),
        });
    }

    fn end_list(&mut self) {
        self.lists.pop();
        self.indent();
        self.writer.keep_off(if self.lists.is_empty() {
            Gap::Paragraph
        } else {
            Gap::Line
        });
    }

    fn indent(&mut self) {
        let depth = self.lists.len().min(DEEPEST_INDENT);
        self.writer.indent(depth * MARK_WIDTH);
    }
}

impl Code {
    /// The language is the first word beside a fence, as long as it is one that can be shown.
    fn new(kind: &CodeBlockKind<'_>) -> Self {
        let info = match kind {
            CodeBlockKind::Fenced(info) => info.as_ref(),
            CodeBlockKind::Indented => "",
        };
        let word = info.split([' ', '\t', ',', '{']).next();
        let language = word.filter(|word| !word.is_empty()).map(str::to_owned);
        Self {
            language,
            text: String::new(),
        }
    }
}
