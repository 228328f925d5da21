//! The line that is being typed, without a terminal: what each key does to it, and how it looks in one row.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::command::{Command, completions};
use super::keys::Key;

/// A longer line takes no more.
const LONGEST: usize = 4_000;
/// Lines that are remembered.
const MANY: usize = 500;

/// What follows from a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// The row looks different now, or not.
    Redraw,
    /// The line is to be done.
    Line(String),
    /// What the word can become, for the operator to see.
    Candidates(Vec<String>),
    Clear,
    Interrupt,
    EndOfInput,
}

/// How many bytes of these characters fit into so many columns, and how many of the columns they take.
fn fitting<'a>(characters: impl Iterator<Item = &'a str>, columns: usize) -> (usize, usize) {
    let (mut bytes, mut taken) = (0, 0);
    for character in characters {
        let width = character.width();
        if taken + width > columns {
            break;
        }
        (bytes, taken) = (bytes + character.len(), taken + width);
    }
    (bytes, taken)
}

/// The line, its cursor, and the lines before it.
#[derive(Default)]
pub(super) struct Editor {
    line: String,
    /// In bytes, between two characters as people see them.
    cursor: usize,
    history: Vec<String>,
    /// Which line of the history is shown, and what was typed before that.
    shown: Option<(usize, String)>,
    pub(super) services: Vec<String>,
}

impl Editor {
    pub(super) fn new(history: Vec<String>) -> Self {
        Self {
            history,
            ..Self::default()
        }
    }

    pub(super) fn press(&mut self, key: Key) -> Effect {
        match key {
            Key::Char(c) if self.line.len() < LONGEST => {
                self.line.insert(self.cursor, c);
                self.cursor += c.len_utf8();
            }
            Key::Enter => return self.enter(),
            Key::Tab => return self.complete(),
            Key::Backspace => self.erase(self.before(), self.cursor),
            Key::Delete => self.erase(self.cursor, self.behind()),
            Key::Left => self.cursor = self.before(),
            Key::Right => self.cursor = self.behind(),
            Key::WordLeft => self.cursor = self.word_start(),
            Key::WordRight => self.cursor = self.word_end(),
            Key::Home => self.cursor = 0,
            Key::End => self.cursor = self.line.len(),
            Key::EraseBefore => self.erase(0, self.cursor),
            Key::EraseBehind => self.erase(self.cursor, self.line.len()),
            Key::EraseWord => self.erase(self.word_start(), self.cursor),
            Key::Up => self.show_earlier(),
            Key::Down => self.show_later(),
            Key::Clear => return Effect::Clear,
            Key::Interrupt => {
                let is_empty = self.line.is_empty();
                self.set(String::new());
                return if is_empty {
                    Effect::Interrupt
                } else {
                    Effect::Redraw
                };
            }
            Key::EndOfInput if self.line.is_empty() => return Effect::EndOfInput,
            Key::EndOfInput => self.erase(self.cursor, self.behind()),
            Key::Char(_) | Key::Escape => {}
        }
        Effect::Redraw
    }

    /// What of the line fits into so many columns with the cursor in sight, and the cursor's column in it.
    pub(super) fn view(&self, columns: usize) -> (&str, usize) {
        let columns = columns.max(1);
        let (before, behind) = self.line.split_at(self.cursor);
        // One column is the cursor's, behind the last character.
        let (left, column) = fitting(before.graphemes(true).rev(), columns - 1);
        let (right, _) = fitting(behind.graphemes(true), columns - 1 - column);
        (&self.line[self.cursor - left..self.cursor + right], column)
    }

    fn enter(&mut self) -> Effect {
        let line = self.line.trim().to_owned();
        self.set(String::new());
        if !line.is_empty() && Command::is_kept(&line) && self.history.last() != Some(&line) {
            self.history.push(line.clone());
            let surplus = self.history.len().saturating_sub(MANY);
            self.history.drain(..surplus);
        }
        Effect::Line(line)
    }

    fn complete(&mut self) -> Effect {
        let before = &self.line[..self.cursor];
        let found = completions(before, &self.services);
        let word = before.rfind(' ').map_or(0, |at| at + 1);
        let typed = self.cursor - word;
        let Some(common) = common_start(&found) else {
            return Effect::Redraw;
        };
        let more = common.get(typed..).unwrap_or_default().to_owned();
        let is_whole = found.len() == 1;
        if more.is_empty() && !is_whole {
            return Effect::Candidates(found);
        }
        let more = if is_whole { more + " " } else { more };
        self.line.insert_str(self.cursor, &more);
        self.cursor += more.len();
        Effect::Redraw
    }

    fn show_earlier(&mut self) {
        let at = self
            .shown
            .as_ref()
            .map_or(self.history.len(), |(at, _)| *at);
        if let Some(earlier) = at.checked_sub(1) {
            let typed = match self.shown.take() {
                Some((_, typed)) => typed,
                None => self.line.clone(),
            };
            self.set(self.history[earlier].clone());
            self.shown = Some((earlier, typed));
        }
    }

    fn show_later(&mut self) {
        if let Some((at, typed)) = self.shown.take() {
            match self.history.get(at + 1) {
                Some(line) => {
                    self.set(line.clone());
                    self.shown = Some((at + 1, typed));
                }
                None => self.set(typed),
            }
        }
    }

    fn set(&mut self, line: String) {
        self.cursor = line.len();
        self.line = line;
        self.shown = None;
    }

    fn erase(&mut self, from: usize, to: usize) {
        self.line.replace_range(from..to, "");
        self.cursor = from;
    }

    fn before(&self) -> usize {
        let last = self.line[..self.cursor].grapheme_indices(true).next_back();
        last.map_or(0, |(at, _)| at)
    }

    fn behind(&self) -> usize {
        next(&self.line, self.cursor)
    }

    fn word_start(&self) -> usize {
        let before = self.line[..self.cursor].trim_end();
        before.rfind(' ').map_or(0, |at| at + 1)
    }

    fn word_end(&self) -> usize {
        let behind = &self.line[self.cursor..];
        let word = behind.len() - behind.trim_start().len();
        let end = behind[word..].find(' ').map(|at| word + at);
        self.cursor + end.unwrap_or(behind.len())
    }
}

fn next(line: &str, at: usize) -> usize {
    at + line[at..].graphemes(true).next().map_or(0, str::len)
}

fn common_start(words: &[String]) -> Option<&str> {
    let (first, others) = words.split_first()?;
    let mut end = first.len();
    for other in others {
        let same = first.bytes().zip(other.bytes()).take_while(|(a, b)| a == b);
        end = end.min(same.count());
    }
    first.get(..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Editor {
        let mut editor = Editor::default();
        for c in text.chars() {
            editor.press(Key::Char(c));
        }
        editor
    }

    fn line(editor: &mut Editor) -> String {
        match editor.press(Key::Enter) {
            Effect::Line(line) => line,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn characters_are_erased_as_people_see_them() {
        let mut editor = typed("ae\u{301}你");
        editor.press(Key::Left);
        editor.press(Key::Backspace);
        assert_eq!(line(&mut editor), "a你");
    }

    #[test]
    fn words_are_erased_and_walked_over() {
        let mut editor = typed("say 1 hello");
        editor.press(Key::EraseWord);
        assert_eq!(editor.line, "say 1 ");
        editor.press(Key::WordLeft);
        editor.press(Key::WordLeft);
        editor.press(Key::EraseBehind);
        assert_eq!(editor.line, "");
    }

    #[test]
    fn what_was_typed_comes_back_from_the_history_and_private_lines_are_not_in_it() {
        let mut editor = Editor::new(vec!["status".into()]);
        for c in "say 1 secret".chars() {
            editor.press(Key::Char(c));
        }
        line(&mut editor);
        editor.press(Key::Char('x'));
        editor.press(Key::Up);
        assert_eq!(editor.line, "status");
        editor.press(Key::Up);
        editor.press(Key::Down);
        assert_eq!(editor.line, "x");
    }

    #[test]
    fn a_word_is_completed_or_its_candidates_are_shown() {
        let mut editor = typed("stat");
        editor.press(Key::Tab);
        assert_eq!(editor.line, "status ");
        let mut editor = typed("services restart ");
        editor.services = vec!["poller-1".into(), "poller-2".into()];
        editor.press(Key::Tab);
        assert_eq!(editor.line, "services restart poller-");
        let candidates = Effect::Candidates(vec!["poller-1".into(), "poller-2".into()]);
        assert_eq!(editor.press(Key::Tab), candidates);
    }

    #[test]
    fn the_row_scrolls_so_that_the_cursor_is_in_sight() {
        let mut editor = typed("0123456789");
        assert_eq!(editor.view(20), ("0123456789", 10));
        assert_eq!(editor.view(5), ("6789", 4));
        editor.press(Key::Home);
        assert_eq!(editor.view(5), ("0123", 0));
        assert_eq!(editor.view(0), ("", 0));
        assert_eq!(typed("你好").view(4), ("好", 2));
    }

    #[test]
    fn ctrl_d_and_ctrl_c_mean_the_end_only_on_an_empty_line() {
        let mut editor = typed("a");
        assert_eq!(editor.press(Key::EndOfInput), Effect::Redraw);
        assert_eq!(editor.press(Key::Interrupt), Effect::Redraw);
        assert_eq!(editor.press(Key::Interrupt), Effect::Interrupt);
        assert_eq!(editor.press(Key::EndOfInput), Effect::EndOfInput);
    }
}
