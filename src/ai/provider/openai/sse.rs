//! Server-sent events, from bytes to what their `data` says.
//!
//! The bytes come in pieces that end anywhere: inside a character, a line, or a line's end. Line ends are LF, CRLF or CR.
//! Text that is no UTF-8 is mended, not refused. Comments, and fields other than `data`, are passed over.

/// The largest event, in bytes.
pub(super) const LARGEST: usize = 1024 * 1024;

/// An event is larger than [`LARGEST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of more than 1 MiB")]
pub(super) struct TooLarge;

#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// The line that is not at its end.
    line: Vec<u8>,
    /// The lines of the event that is not at its end, each with a line end.
    data: Vec<u8>,
    /// Whether the last byte was a CR: the LF of a CRLF may follow in the next piece.
    is_after_cr: bool,
    /// Whether a line has been read: only the first may begin with a byte order mark.
    is_past_start: bool,
}

impl Decoder {
    /// Takes the next bytes; `sink` gets each event that they end.
    pub(super) fn push(
        &mut self,
        mut bytes: &[u8],
        mut sink: impl FnMut(String),
    ) -> Result<(), TooLarge> {
        if self.is_after_cr && !bytes.is_empty() {
            self.is_after_cr = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.extend_line(&bytes[..end])?;
            if let Some(event) = self.end_line() {
                sink(event);
            }
            let rest = &bytes[end + 1..];
            let is_cr = bytes[end] == b'\r';
            self.is_after_cr = is_cr && rest.is_empty();
            bytes = match rest.strip_prefix(b"\n") {
                Some(rest) if is_cr => rest,
                _ => rest,
            };
        }
        self.extend_line(bytes)
    }

    /// What was begun when the stream ended: servers leave out the last empty line.
    pub(super) fn finish(&mut self) -> Option<String> {
        if !self.line.is_empty() {
            self.end_line();
        }
        self.end_event()
    }

    fn extend_line(&mut self, bytes: &[u8]) -> Result<(), TooLarge> {
        if self.line.len() + self.data.len() + bytes.len() > LARGEST {
            return Err(TooLarge);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self) -> Option<String> {
        let line = std::mem::take(&mut self.line);
        let mut line = line.as_slice();
        if !std::mem::replace(&mut self.is_past_start, true) {
            line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        }
        if line.is_empty() {
            return self.end_event();
        }
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &line[line.len()..]),
        };
        if field == b"data" {
            self.data
                .extend_from_slice(value.strip_prefix(b" ").unwrap_or(value));
            self.data.push(b'\n');
        }
        None
    }

    fn end_event(&mut self) -> Option<String> {
        let mut data = std::mem::take(&mut self.data);
        data.pop()?;
        Some(String::from_utf8_lossy(&data).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(pieces: &[&[u8]]) -> Vec<String> {
        let (mut decoder, mut events) = (Decoder::default(), Vec::new());
        for piece in pieces {
            decoder.push(piece, |event| events.push(event)).unwrap();
        }
        events.extend(decoder.finish());
        events
    }

    #[test]
    fn lines_end_with_lf_crlf_or_cr() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["data: a", "", "data:b", "", ""].join(end);
            assert_eq!(events(&[text.as_bytes()]), ["a", "b"], "{end:?}");
        }
    }

    #[test]
    fn several_data_lines_are_one_event_and_comments_and_other_fields_are_none() {
        let text = b"\xEF\xBB\xBFdata: a\n: ping\nevent: x\nid: 1\ndata\ndata:  b\n\n: ping\n\n\n";
        assert_eq!(events(&[text]), ["a\n\n b"]);
    }

    #[test]
    fn the_last_event_needs_no_empty_line_and_no_line_end() {
        assert_eq!(events(&[b"data: a\n\ndata: [DONE]"]), ["a", "[DONE]"]);
        assert_eq!(events(&[b"data: a\n"]), ["a"]);
    }

    #[test]
    fn text_that_is_no_utf8_is_mended() {
        assert_eq!(events(&[b"data: \xF0\x9F\x98 ok\n\n"]), ["\u{FFFD} ok"]);
    }

    #[test]
    fn an_event_may_be_large_and_not_larger() {
        let half = vec![b'x'; LARGEST / 2 - 16];
        let mut decoder = Decoder::default();
        let mut lengths = Vec::new();
        for _ in 0..2 {
            for piece in [b"data: ".as_slice(), &half, b"\ndata: ", &half, b"\n\n"] {
                decoder
                    .push(piece, |event| lengths.push(event.len()))
                    .unwrap();
            }
        }
        assert_eq!(lengths, [2 * half.len() + 1; 2]);
        decoder.push(b"data: ", |_| ()).unwrap();
        decoder.push(&half, |_| ()).unwrap();
        decoder.push(b"\ndata: ", |_| ()).unwrap();
        decoder.push(&half, |_| ()).unwrap();
        assert_eq!(decoder.push(&[b'x'; 64], |_| ()), Err(TooLarge));
    }

    #[test]
    fn any_split_of_the_bytes_gives_the_same_events() {
        let parts: [&[u8]; 12] = [
            b"data: ",
            b"\n",
            b"\r",
            b"\r\n",
            b"\n\n",
            b": ping",
            b"data",
            "é😀".as_bytes(),
            b"\xFF",
            b"\xEF\xBB\xBF",
            b"id: 7",
            b"[DONE]",
        ];
        for seed in 0..2000 {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut bytes = Vec::new();
            for _ in 0..random.usize(1..24) {
                bytes.extend_from_slice(parts[random.usize(..parts.len())]);
            }
            let whole = events(&[&bytes]);
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(events(&single), whole, "seed {seed}, byte by byte");
            let mut rest = bytes.as_slice();
            let mut pieces = Vec::new();
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(random.usize(0..=rest.len()));
                pieces.push(piece);
                rest = after;
            }
            assert_eq!(events(&pieces), whole, "seed {seed}");
        }
    }
}
