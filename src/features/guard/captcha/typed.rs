//! How typed answers are read: what a keyboard, an input method or a copied message adds does not count.

/// No honest answer is longer, a pasted prompt included; what follows is not read, because one very long message would
/// otherwise be thousands of guesses.
const READ_CHARACTERS: usize = 500;

/// Whether the message holds the code. Codes have no A, and a drawn 4 can look like one.
pub(super) fn contains(text: &str, code: &str) -> bool {
    plain(text).replace('A', "4").contains(code)
}

/// Whether the message is the answer and nothing else.
pub(super) fn equals(text: &str, answer: &str) -> bool {
    plain(text) == answer
}

/// The beginning of a text in capitals of plain width, without spaces and without what cannot be seen.
fn plain(text: &str) -> String {
    text.chars()
        .take(READ_CHARACTERS)
        .filter(|c| !c.is_whitespace() && !c.is_control() && !is_invisible(*c))
        .map(|c| plain_width(c).to_ascii_uppercase())
        .collect()
}

/// Joiners, marks of direction, and the selector that asks for the coloured form of an emoji.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{fe0f}' | '\u{feff}')
}

/// Input methods of East Asia type `Ａ１` for `A1`; the two forms are a fixed distance apart.
fn plain_width(c: char) -> char {
    const DISTANCE: u32 = 0xfee0;
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - DISTANCE).unwrap_or(c),
        c => c,
    }
}
