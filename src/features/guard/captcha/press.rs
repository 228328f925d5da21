//! What a button carries: `g:<chat>:<challenge in base 36>:<index>`, 56 bytes at most of the 64 that Telegram allows.

const PREFIX: &str = "g:";
const BASE: u32 = 36;

/// A pressed button. Whether the person may press it is for the caller to find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::features::guard) struct Press {
    /// The group that is to be entered; the button may be in a private chat.
    pub chat: i64,
    /// The challenge it belongs to.
    pub id: u32,
    /// Its place among the options.
    pub index: usize,
}

impl Press {
    pub(super) fn data(self) -> String {
        format!("{PREFIX}{}:{}:{}", self.chat, base36(self.id), self.index)
    }
}

/// Reads callback data; none if it is not of a challenge, or not exactly as it was written.
#[must_use]
pub(in crate::features::guard) fn parse_data(data: &str) -> Option<Press> {
    let mut parts = data.strip_prefix(PREFIX)?.split(':');
    let press = Press {
        chat: parts.next()?.parse().ok()?,
        id: u32::from_str_radix(parts.next()?, BASE).ok()?,
        index: parts.next()?.parse().ok()?,
    };
    (press.data() == data).then_some(press)
}

fn base36(mut number: u32) -> String {
    let mut digits = Vec::new();
    loop {
        digits.extend(char::from_digit(number % BASE, BASE));
        number /= BASE;
        if number == 0 {
            return digits.iter().rev().collect();
        }
    }
}
