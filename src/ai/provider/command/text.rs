//! Text from bytes that come in pieces.

/// Decodes UTF-8 whose characters may be split over two pieces, and leaves out the space around the whole.
///
/// What is no UTF-8 becomes U+FFFD.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// The beginning of a character.
    pending: Vec<u8>,
    /// Space that belongs to the text only if something follows.
    space: String,
    has_begun: bool,
}

impl Decoder {
    /// The text that is sure now; none where that is nothing.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Option<String> {
        self.pending.extend_from_slice(bytes);
        let whole = self.pending.len() - unfinished(&self.pending);
        let text = String::from_utf8_lossy(&self.pending[..whole]).into_owned();
        self.pending.drain(..whole);
        self.trim(&text)
    }

    /// The rest at the end of the bytes: a character that was cut off.
    pub(super) fn finish(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.pending);
        self.trim(&String::from_utf8_lossy(&rest))
    }

    fn trim(&mut self, text: &str) -> Option<String> {
        let text = if self.has_begun {
            text
        } else {
            text.trim_start()
        };
        let end = text.trim_end().len();
        if end == 0 {
            self.space.push_str(text);
            return None;
        }
        self.has_begun = true;
        let sure = std::mem::take(&mut self.space) + &text[..end];
        self.space.push_str(&text[end..]);
        Some(sure)
    }
}

/// How many bytes at the end begin a character that is not whole.
fn unfinished(bytes: &[u8]) -> usize {
    let last = bytes.utf8_chunks().last();
    let invalid = last.map_or(&[][..], |chunk| chunk.invalid());
    // An error in the middle is decided; one at the end may just be early.
    match std::str::from_utf8(invalid) {
        Err(error) if error.error_len().is_none() => invalid.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_may_be_split_anywhere() {
        let text = "Grüße, 世界 🙂!";
        for size in 1..5 {
            let mut decoder = Decoder::default();
            let pieces = text.as_bytes().chunks(size);
            let mut joined: String = pieces.filter_map(|piece| decoder.push(piece)).collect();
            joined.extend(decoder.finish());
            assert_eq!(joined, text, "{size}");
        }
    }

    #[test]
    fn what_is_no_text_is_shown_as_such() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.push(b"a\xffb").as_deref(), Some("a\u{fffd}b"));
        assert_eq!(decoder.push(b"\xe4\xb8"), None);
        assert_eq!(decoder.finish().as_deref(), Some("\u{fffd}"));
    }

    #[test]
    fn space_around_the_whole_is_left_out() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.push(b" \n"), None);
        assert_eq!(decoder.push(b" one \n").as_deref(), Some("one"));
        assert_eq!(decoder.push(b"\n two").as_deref(), Some(" \n\n two"));
        assert_eq!(decoder.push(b"\n\n"), None);
        assert_eq!(decoder.finish(), None);
    }

    #[test]
    fn much_space_is_not_held_for_ever() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.push(&[b' '; 4096]), None);
        assert!(decoder.space.is_empty());
    }
}
