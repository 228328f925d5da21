//! Keys, from the bytes that a terminal sends for them.

/// What was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Char(char),
    Enter,
    Tab,
    Backspace,
    Delete,
    Left,
    Right,
    WordLeft,
    WordRight,
    Up,
    Down,
    Home,
    End,
    /// Ctrl-U: everything before the cursor goes.
    EraseBefore,
    /// Ctrl-K: everything behind it.
    EraseBehind,
    /// Ctrl-W: the word before it.
    EraseWord,
    /// Ctrl-L.
    Clear,
    /// Ctrl-C, where the terminal does not make a signal of it.
    Interrupt,
    /// Ctrl-D.
    EndOfInput,
    Escape,
}

/// Puts keys together from bytes that come in any pieces.
#[derive(Default)]
pub(super) struct Keys(Vec<u8>);

/// No key has more bytes; what goes on for longer is thrown away.
const LONGEST: usize = 32;

impl Keys {
    /// The keys that these bytes complete. An escape at the end of a piece is the key of that name: a terminal sends a
    /// sequence at once.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<Key> {
        self.0.extend_from_slice(bytes);
        let mut keys = Vec::new();
        while let Some((length, key)) = first(&self.0) {
            self.0.drain(..length);
            keys.extend(key);
        }
        if self.0 == [0x1b] {
            self.0.clear();
            keys.push(Key::Escape);
        }
        if self.0.len() > LONGEST {
            self.0.clear();
        }
        keys
    }
}

/// How many bytes the first key has, and which it is, where that is one; none where more bytes must come.
fn first(bytes: &[u8]) -> Option<(usize, Option<Key>)> {
    let key = |key| Some((1, Some(key)));
    match bytes.first()? {
        0x1b => escape(bytes),
        b'\r' | b'\n' => key(Key::Enter),
        b'\t' => key(Key::Tab),
        0x7f | 0x08 => key(Key::Backspace),
        0x01 => key(Key::Home),
        0x02 => key(Key::Left),
        0x03 => key(Key::Interrupt),
        0x04 => key(Key::EndOfInput),
        0x05 => key(Key::End),
        0x06 => key(Key::Right),
        0x0b => key(Key::EraseBehind),
        0x0c => key(Key::Clear),
        0x0e => key(Key::Down),
        0x10 => key(Key::Up),
        0x15 => key(Key::EraseBefore),
        0x17 => key(Key::EraseWord),
        0x00..0x20 => Some((1, None)),
        byte => character(bytes, *byte),
    }
}

fn character(bytes: &[u8], first: u8) -> Option<(usize, Option<Key>)> {
    let length = match first {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf7 => 4,
        _ => 1,
    };
    let text = std::str::from_utf8(bytes.get(..length)?);
    match text.ok().and_then(|text| text.chars().next()) {
        Some(c) => Some((length, (!c.is_control()).then_some(Key::Char(c)))),
        None => Some((1, None)),
    }
}

/// A sequence that begins with an escape: `ESC [ 1;5D`, `ESC O H`, `ESC b`.
fn escape(bytes: &[u8]) -> Option<(usize, Option<Key>)> {
    match bytes.get(1)? {
        b'[' | b'O' => {
            let rest = &bytes[2..];
            let end = rest.iter().position(|byte| (0x40..0x7f).contains(byte))?;
            let key = match (rest[end], &rest[..end]) {
                (b'A', _) => Some(Key::Up),
                (b'B', _) => Some(Key::Down),
                (b'C', b"") => Some(Key::Right),
                (b'D', b"") => Some(Key::Left),
                (b'C', _) => Some(Key::WordRight),
                (b'D', _) => Some(Key::WordLeft),
                (b'H', _) | (b'~', b"1" | b"7") => Some(Key::Home),
                (b'F', _) | (b'~', b"4" | b"8") => Some(Key::End),
                (b'~', b"3") => Some(Key::Delete),
                _ => None,
            };
            Some((end + 3, key))
        }
        b'b' => Some((2, Some(Key::WordLeft))),
        b'f' => Some((2, Some(Key::WordRight))),
        0x7f => Some((2, Some(Key::EraseWord))),
        // Two keys, the first of which is an escape.
        _ => Some((1, Some(Key::Escape))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_put_together_from_any_pieces() {
        let mut keys = Keys::default();
        assert_eq!(keys.feed("aé".as_bytes()), [Key::Char('a'), Key::Char('é')]);
        assert_eq!(keys.feed(&[0xe4, 0xbd]), []);
        assert_eq!(keys.feed(&[0xa0, b'\r']), [Key::Char('你'), Key::Enter]);
        assert_eq!(keys.feed(b"\x1b[A\x1b[1;5D"), [Key::Up, Key::WordLeft]);
        assert_eq!(keys.feed(b"\x1b["), []);
        assert_eq!(keys.feed(b"3~"), [Key::Delete]);
        assert_eq!(keys.feed(b"\x1b"), [Key::Escape]);
        assert_eq!(
            keys.feed(b"\x03\x04\t"),
            [Key::Interrupt, Key::EndOfInput, Key::Tab]
        );
    }

    #[test]
    fn what_is_no_key_is_thrown_away() {
        let mut keys = Keys::default();
        assert_eq!(keys.feed(b"\xff\x1b[99zx"), [Key::Char('x')]);
        assert_eq!(keys.feed(&[b'['; 0]), []);
        keys.feed(b"\x1b[");
        keys.feed(&[b'1'; 100]);
        assert_eq!(keys.feed(b"y"), [Key::Char('y')]);
    }
}
