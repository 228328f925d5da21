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
    /// Whether it carries the bot's name, so that it can be for no other one.
    pub(super) is_named: bool,
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
        let (word, name) = match word.split_once('@') {
            Some((word, name)) => (word, Some(name)),
            None => (word, None),
        };
        if name.is_some_and(|name| !name.eq_ignore_ascii_case(bot)) {
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
        Some(Self {
            command,
            is_named: name.is_some(),
            rest,
        })
    }

    /// Whether it is meant for a guard that is off: without a name, only `/guard` can be for no other bot.
    pub(super) fn is_for_one_that_is_off(&self) -> bool {
        self.is_named || self.command == Command::Guard
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
    fn a_guard_that_is_off_hears_its_own_command_and_its_name() {
        let is_heard =
            |text| Order::parse(text, "tea_bot").is_some_and(|o| o.is_for_one_that_is_off());
        assert!(is_heard("/guard on") && is_heard("/stats@tea_bot"));
        assert!(!is_heard("/stats") && !is_heard("/approve all"));
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
