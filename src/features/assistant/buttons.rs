//! What buttons under the assistant's messages carry.

use teloxide::types::{InlineKeyboardButton, InlineKeyboardMarkup};

/// With this the data of all of them begins.
const OURS: &str = "as:";
/// A button's data has no more bytes than this.
const LONGEST: usize = 64;

/// What a press means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Press {
    /// The question is to be stopped, or taken back.
    Stop { id: u64 },
    /// It is to be asked again.
    Again { id: u64 },
    /// This model is to answer here.
    Choose { model: String },
}

/// A label and its data.
pub(super) type Button = (String, String);

pub(super) fn button(label: &str, thread: i32, press: &Press) -> Button {
    let data = match press {
        Press::Stop { id } => format!("{OURS}s:{thread}:{id}"),
        Press::Again { id } => format!("{OURS}r:{thread}:{id}"),
        Press::Choose { model } => format!("{OURS}m:{thread}:{model}"),
    };
    (label.to_owned(), data)
}

/// Whether Telegram takes it.
pub(super) fn fits(button: &Button) -> bool {
    button.1.len() <= LONGEST
}

/// The thread in which a button was pressed, and what that means; none where it is not one of ours.
pub(super) fn parse(data: &str) -> Option<(i32, Press)> {
    let mut parts = data.strip_prefix(OURS)?.splitn(3, ':');
    let (kind, thread, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let id = || rest.parse().ok();
    let press = match kind {
        "s" => Press::Stop { id: id()? },
        "r" => Press::Again { id: id()? },
        "m" => Press::Choose {
            model: rest.to_owned(),
        },
        _ => return None,
    };
    Some((thread.parse().ok()?, press))
}

pub(super) fn is_ours(data: &str) -> bool {
    data.starts_with(OURS)
}

/// Each in a row of its own.
pub(super) fn keyboard(buttons: &[Button]) -> Option<InlineKeyboardMarkup> {
    let row = |(label, data): &Button| vec![InlineKeyboardButton::callback(label, data)];
    (!buttons.is_empty()).then(|| InlineKeyboardMarkup::new(buttons.iter().map(row)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_button_means_what_it_was_made_for() {
        for press in [
            Press::Stop { id: 7 },
            Press::Again { id: 8 },
            Press::Choose {
                model: "llama3:8b:q4".to_owned(),
            },
        ] {
            let (_, data) = button("x", 5, &press);
            assert_eq!(parse(&data), Some((5, press)));
        }
    }

    #[test]
    fn others_buttons_and_odd_ones_mean_nothing() {
        for data in [
            "",
            "guard:here",
            "as:",
            "as:s:0",
            "as:s:x:1",
            "as:q:0:1",
            "as:s:0:x",
        ] {
            assert_eq!(parse(data), None, "{data}");
        }
    }
}
