//! What an operator can type: the table, the parser, and what a half-typed line may become.

/// One of the commands, read from a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Help,
    Status,
    Services,
    Restart(String),
    Tail { count: usize, follows: bool },
    Level(String),
    Say { chat: i64, text: String },
    Ask(String),
    Read(String),
    Inbox(Inbox),
    Guard,
    Drain,
    Shutdown,
    Quit,
}

/// What is to be done with updates that wait or are parked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Inbox {
    List {
        queued: bool,
    },
    Show(i64),
    /// None is all of them.
    Retry(Option<i64>),
    Drop(Option<i64>),
}

/// Name, arguments, and what it does.
pub(super) const COMMANDS: [(&str, &str, &str); 13] = [
    ("help", "", "list the commands; Escape ends one that runs"),
    ("status", "", "phase, services, lanes, backlog, last poll"),
    (
        "services",
        "[restart NAME]",
        "list the services, or restart one",
    ),
    (
        "tail",
        "[-f] [COUNT]",
        "the last log lines; -f follows until a key is pressed",
    ),
    (
        "level",
        "FILTER",
        "change what is logged, like debug or sundown=trace,info",
    ),
    (
        "say",
        "CHAT TEXT",
        "send a message to a chat, by its number",
    ),
    (
        "ask",
        "TEXT",
        "ask the model; the answer comes as it is written",
    ),
    ("read", "URL", "read a web page"),
    (
        "inbox",
        "[list [queued] | show POSITION | retry POSITION|all | drop POSITION|all]",
        "updates that are parked or wait",
    ),
    (
        "guard",
        "",
        "the groups, whether the guard is on there, and who has still to verify",
    ),
    (
        "drain",
        "",
        "stop gracefully, and say what the stop waits for",
    ),
    ("shutdown", "", "stop gracefully, without waiting"),
    (
        "quit",
        "",
        "leave; at the bot's own prompt it stops the bot",
    ),
];

const LINES: usize = 20;

impl Command {
    /// Reads a line; none where it is blank.
    ///
    /// # Errors
    /// What is wrong with it, for the operator.
    pub(super) fn parse(line: &str) -> Result<Option<Self>, String> {
        let (name, rest) = split(line);
        let wrong = || usage(name);
        let whole = |what: fn(String) -> Self| match rest {
            "" => Err(wrong()),
            text => Ok(what(text.to_owned())),
        };
        let alone = |command: Self| {
            if rest.is_empty() {
                Ok(command)
            } else {
                Err(wrong())
            }
        };
        let command = match name {
            "" => return Ok(None),
            "help" | "?" => Ok(Self::Help),
            "status" => alone(Self::Status),
            "services" => match split(rest) {
                ("", _) => Ok(Self::Services),
                ("restart", name) if !name.is_empty() && !name.contains(' ') => {
                    Ok(Self::Restart(name.to_owned()))
                }
                _ => Err(wrong()),
            },
            "tail" => tail(rest).ok_or_else(wrong),
            "level" => whole(Self::Level),
            "say" => match split(rest) {
                (chat, text) if !text.is_empty() => match chat.parse() {
                    Ok(chat) => Ok(Self::Say {
                        chat,
                        text: text.to_owned(),
                    }),
                    Err(_) => Err(format!("`{chat}` is no chat's number; {}", wrong())),
                },
                _ => Err(wrong()),
            },
            "ask" => whole(Self::Ask),
            "read" => whole(Self::Read),
            "inbox" => inbox(rest).map(Self::Inbox).ok_or_else(wrong),
            "guard" => alone(Self::Guard),
            "drain" => alone(Self::Drain),
            "shutdown" => alone(Self::Shutdown),
            "quit" | "exit" => alone(Self::Quit),
            _ => Err(format!("there is no command `{name}`; `help` lists them")),
        };
        command.map(Some)
    }

    /// Whether the next key that is pressed ends it.
    pub(super) fn ends_at_a_key(&self) -> bool {
        matches!(self, Self::Tail { follows: true, .. })
    }

    /// Whether a line asks for the end of the instance, so that whoever is attached sees it go.
    pub(super) fn ends_the_instance(line: &str) -> bool {
        matches!(Self::parse(line), Ok(Some(Self::Drain | Self::Shutdown)))
    }

    /// Whether it tells what strangers have written: pages, models, people.
    pub(super) fn quotes_others(&self) -> bool {
        matches!(
            self,
            Self::Ask(_) | Self::Read(_) | Self::Inbox(_) | Self::Guard
        )
    }

    /// Whether a line may be kept in a history that is written to disk: what is said to people and to a model is theirs.
    pub(super) fn is_kept(line: &str) -> bool {
        !matches!(split(line).0, "say" | "ask")
    }
}

/// What the word before the cursor can become: names of commands, then their own words, and names of services.
pub(super) fn completions(before: &str, services: &[String]) -> Vec<String> {
    let before = before.trim_start();
    let (start, word) = match before.rfind(' ') {
        Some(at) => (before[..at].trim_end(), &before[at + 1..]),
        None => ("", before),
    };
    let words: Vec<&str> = match start {
        "" => COMMANDS.iter().map(|(name, ..)| *name).collect(),
        "services" => vec!["restart"],
        "services restart" => services.iter().map(String::as_str).collect(),
        "tail" => vec!["-f"],
        "level" => vec!["debug", "error", "info", "trace", "warn"],
        "inbox" => vec!["drop", "list", "retry", "show"],
        "inbox list" => vec!["queued"],
        "inbox retry" | "inbox drop" => vec!["all"],
        _ => Vec::new(),
    };
    let fits = words.into_iter().filter(|known| known.starts_with(word));
    fits.map(str::to_owned).collect()
}

/// The first word and what follows it.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (first, rest.trim_start())
}

fn usage(name: &str) -> String {
    let known = COMMANDS.iter().find(|(known, ..)| *known == name);
    match known {
        Some((name, "", _)) => format!("`{name}` takes nothing behind it"),
        Some((name, arguments, _)) => format!("write it like this: {name} {arguments}"),
        None => "`help` lists the commands".to_owned(),
    }
}

fn tail(rest: &str) -> Option<Command> {
    let (mut count, mut follows) = (LINES, false);
    for word in rest.split_whitespace() {
        match word {
            "-f" => follows = true,
            number => count = number.parse().ok()?,
        }
    }
    Some(Command::Tail { count, follows })
}

fn inbox(rest: &str) -> Option<Inbox> {
    let which = |word: &str| match word {
        "all" => Some(None),
        number => number.parse().ok().map(Some),
    };
    match split(rest) {
        ("", _) | ("list", "") => Some(Inbox::List { queued: false }),
        ("list", "queued") => Some(Inbox::List { queued: true }),
        ("show", position) => position.parse().ok().map(Inbox::Show),
        ("retry", word) => which(word).map(Inbox::Retry),
        ("drop", word) => which(word).map(Inbox::Drop),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Command {
        Command::parse(line).unwrap().unwrap()
    }

    #[test]
    fn a_line_is_a_command_with_what_follows_it() {
        assert_eq!(Command::parse("  "), Ok(None));
        assert_eq!(parsed(" status "), Command::Status);
        assert_eq!(parsed("services"), Command::Services);
        assert_eq!(
            parsed("services restart poller"),
            Command::Restart("poller".into())
        );
        assert_eq!(
            parsed("tail"),
            Command::Tail {
                count: 20,
                follows: false
            }
        );
        assert_eq!(
            parsed("tail -f 3"),
            Command::Tail {
                count: 3,
                follows: true
            }
        );
        let say = Command::Say {
            chat: -100,
            text: "hello  you".into(),
        };
        assert_eq!(parsed("say -100 hello  you"), say);
        assert_eq!(
            parsed("inbox"),
            Command::Inbox(Inbox::List { queued: false })
        );
        assert_eq!(
            parsed("inbox retry all"),
            Command::Inbox(Inbox::Retry(None))
        );
        assert_eq!(parsed("inbox drop 7"), Command::Inbox(Inbox::Drop(Some(7))));
    }

    #[test]
    fn what_is_wrong_is_said_with_how_it_is_written() {
        let refusal = |line: &str| Command::parse(line).unwrap_err();
        assert!(refusal("stauts").contains("there is no command `stauts`"));
        assert!(refusal("say").contains("say CHAT TEXT"));
        assert!(refusal("say nobody hello").contains("`nobody` is no chat's number"));
        assert!(refusal("tail many").contains("tail [-f] [COUNT]"));
        assert!(refusal("status now").contains("takes nothing"));
        assert!(refusal("services restart").contains("[restart NAME]"));
        assert!(refusal("inbox drop").contains("POSITION"));
    }

    #[test]
    fn every_command_in_the_table_is_known() {
        for (name, ..) in COMMANDS {
            let known = Command::parse(name);
            assert!(
                !matches!(&known, Err(text) if text.contains("no command")),
                "{name}"
            );
        }
    }

    #[test]
    fn commands_their_words_and_services_are_completed() {
        let services = ["store".to_owned(), "poller".to_owned()];
        assert_eq!(completions("st", &services), ["status"]);
        assert_eq!(
            completions("s", &services),
            ["status", "services", "say", "shutdown"]
        );
        assert_eq!(completions("services ", &services), ["restart"]);
        assert_eq!(completions("services restart p", &services), ["poller"]);
        assert_eq!(completions("ask st", &services), [""; 0]);
    }

    #[test]
    fn what_is_said_to_others_is_not_kept() {
        assert!(Command::is_kept("status"));
        assert!(!Command::is_kept(" say 1 secret"));
        assert!(!Command::is_kept("ask secret"));
    }
}
