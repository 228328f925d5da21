//! Control characters in a line: what comes from elsewhere, such as a server's words in an error, must not command the terminal
//! that shows the line.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The line with its control characters written out, as JSON does it, so that a line of JSON stays one. Line ends and tabs pass,
/// and the colours that the formatter writes, where it does.
pub(super) fn without_commands(line: &[u8], has_colours: bool) -> Cow<'_, [u8]> {
    if line.iter().all(|byte| is_harmless(*byte)) {
        return Cow::Borrowed(line);
    }
    let text = String::from_utf8_lossy(line);
    let mut plain = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(c) = rest.chars().next() {
        let colour = colour_at(rest).filter(|_| has_colours);
        let length = colour.unwrap_or(c.len_utf8());
        if colour.is_some() || !c.is_control() || matches!(c, '\n' | '\t') {
            plain.push_str(&rest[..length]);
        } else {
            let _ = write!(plain, "\\u{:04x}", u32::from(c));
        }
        rest = &rest[length..];
    }
    Cow::Owned(plain.into_bytes())
}

/// Whether a byte is no part of any control character but those that may pass.
fn is_harmless(byte: u8) -> bool {
    // What the second half of the control characters, from U+0080 on, begins with in UTF-8.
    const SECOND_HALF: u8 = 0xc2;
    match byte {
        b'\n' | b'\t' => true,
        0x7f | SECOND_HALF => false,
        _ => byte >= b' ',
    }
}

/// The length of the colour sequence, `\x1b[…m`, that the text begins with.
fn colour_at(text: &str) -> Option<usize> {
    const START: &str = "\x1b[";
    let behind = text.strip_prefix(START)?;
    let end = behind.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    behind[end..]
        .starts_with('m')
        .then_some(START.len() + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(line: &str) -> String {
        String::from_utf8(without_commands(line.as_bytes(), true).into_owned()).unwrap()
    }

    #[test]
    fn what_commands_a_terminal_is_written_out() {
        for (line, expected) in [
            ("\x1b]52;c;aGk=\x07\n", "\\u001b]52;c;aGk=\\u0007\n"),
            ("\x1b[2J", "\\u001b[2J"),
            ("\u{9b}31m", "\\u009b31m"),
            ("a\rb\x08\x7f", "a\\u000db\\u0008\\u007f"),
            ("\x1b[3\x1b[0m", "\\u001b[3\x1b[0m"),
            ("\x1b", "\\u001b"),
        ] {
            assert_eq!(plain(line), expected);
        }
    }

    #[test]
    fn what_lines_are_made_of_passes() {
        for line in [
            "\x1b[2m2026\x1b[0m \x1b[38;5;1mWARN\x1b[0m \tx\n",
            "größer © 错误 👍\n",
            "two\nlines\n",
        ] {
            assert_eq!(plain(line), line);
        }
    }

    #[test]
    fn a_line_without_any_is_not_copied() {
        let line = "2026 WARN \t错误\n".as_bytes();
        assert!(matches!(without_commands(line, true), Cow::Borrowed(_)));
    }

    #[test]
    fn what_is_no_utf8_does_not_hide_a_command() {
        assert_eq!(
            without_commands(b"\xff\x1b[2J", true).as_ref(),
            "\u{fffd}\\u001b[2J".as_bytes()
        );
    }

    #[test]
    fn json_stays_json_and_says_the_same() {
        let said = "no\u{7f}\u{85}\x1b[8m";
        let json = serde_json::json!({ "error": said }).to_string();
        let plain = without_commands(json.as_bytes(), false);
        assert!(plain.is_ascii());
        let read: serde_json::Value = serde_json::from_slice(&plain).unwrap();
        assert_eq!(read["error"], said);
    }

    #[test]
    fn where_nobody_writes_colours_none_pass() {
        assert_eq!(
            without_commands(b"\x1b[8mhidden", false).as_ref(),
            b"\\u001b[8mhidden"
        );
    }
}
