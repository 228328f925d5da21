//! Text that a terminal shows, whoever has written it.

use std::fmt::Write as _;

/// What a terminal may be told: line ends, tabs, and our own colours; no other control characters, which may come from
/// elsewhere.
pub(super) fn shown(text: &str, has_colours: bool) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let colour = rest.strip_prefix("\x1b[").and_then(|behind| {
            let end = behind.find(|c: char| !c.is_ascii_digit() && c != ';')?;
            behind[end..].starts_with('m').then_some(end + 3)
        });
        let length = colour.unwrap_or(c.len_utf8());
        if colour.is_none() && c.is_control() && !matches!(c, '\n' | '\t') {
            let _ = write!(shown, "{}", c.escape_default());
        } else if colour.is_none() || has_colours {
            shown.push_str(&rest[..length]);
        }
        rest = &rest[length..];
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_escapes_only_colours_reach_the_terminal() {
        let coloured = "\x1b[32mINFO\x1b[0m\n";
        assert_eq!(shown(coloured, true), coloured);
        assert_eq!(shown("\x1b[8mhidden\x1b[0m", false), "hidden");
        let commands = "\x1b]0;x\x07\x1b[2J";
        assert_eq!(shown(commands, true), "\\u{1b}]0;x\\u{7}\\u{1b}[2J");
    }

    #[test]
    fn without_colours_nothing_is_left_that_a_terminal_obeys() {
        assert_eq!(shown("\x1b[32m INFO\x1b[0m a\tb\n", false), " INFO a\tb\n");
        let commands = "\x1b]0;title\x07 \r";
        assert_eq!(shown(commands, false), "\\u{1b}]0;title\\u{7} \\r");
    }
}
