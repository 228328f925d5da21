//! Commands as they are typed.

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Guard,
    Approve,
    Reject,
    Trust,
    Untrust,
    Pending,
    Stats,
}

/// A command with what stands behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) command: Command,
    pub(super) rest: String,
}

impl Order {
    /// The order in a message to the bot of this name; none where it is something else, or for another bot.
    ///
    /// Not teloxide's `BotCommands`: it answers a value that it cannot read with an error about types, and an administrator
    /// is to be told what the setting takes.
    pub(super) fn parse(text: &str, bot: &str) -> Option<Self> {
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let word = word.strip_prefix('/')?;
        let (word, name) = word.split_once('@').unwrap_or((word, bot));
        if !name.eq_ignore_ascii_case(bot) {
            return None;
        }
        let command = match word.to_ascii_lowercase().as_str() {
            "guard" => Command::Guard,
            "approve" => Command::Approve,
            "reject" => Command::Reject,
            "trust" => Command::Trust,
            "untrust" => Command::Untrust,
            "pending" => Command::Pending,
            "stats" => Command::Stats,
            _ => return None,
        };
        let rest = rest.trim().to_owned();
        Some(Self { command, rest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<(Command, String)> {
        Order::parse(text, "tea_bot").map(|order| (order.command, order.rest))
    }

    #[test]
    fn a_command_is_heard_with_and_without_our_name() {
        let guard = |rest: &str| Some((Command::Guard, rest.to_owned()));
        assert_eq!(parse("/guard"), guard(""));
        assert_eq!(
            parse("/Guard@Tea_Bot  deadline 1h 30m "),
            guard("deadline 1h 30m")
        );
        assert_eq!(
            parse("/approve\n5"),
            Some((Command::Approve, "5".to_owned()))
        );
    }

    #[test]
    fn what_is_for_others_is_not_heard() {
        for text in [
            "/guard@other_bot",
            "/guardian",
            "guard",
            "/ping",
            "",
            "/",
            "say /guard",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
