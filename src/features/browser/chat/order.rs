//! What people tell the browser with commands.

use reqwest::Url;
use serde::{Deserialize, Serialize};

/// The commands, each with what it does: for lists of what the bot can do.
pub(crate) const COMMANDS: [(&str, &str); 9] = [
    ("read", "read a web page or a PDF: /read URL"),
    ("shot", "take a picture of a web page"),
    ("search", "search the web"),
    ("open", "open a web page, to use it step by step"),
    ("click", "click on what has this number there"),
    ("fill", "write into the field with this number"),
    ("scroll", "go down by a screen, or up: /scroll up"),
    ("snap", "show the open page again"),
    ("close", "close it"),
];

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Order {
    Read { url: Url, in_browser: bool },
    Shot { url: Url },
    Search { terms: String },
    Step(Step),
}

/// One step in the page that a chat has open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    Open { url: Url },
    Click { number: u32 },
    Fill { number: u32, text: String },
    Scroll { is_up: bool },
    Snap,
    Close,
}

/// A command as it was understood: what to do, or how to write it.
pub(super) type Told = Result<Order, &'static str>;

impl Order {
    /// None where the text is no command, another one, or another bot's.
    pub(super) fn parse(text: &str, me: &str) -> Option<Told> {
        let (head, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let head = head.strip_prefix('/')?;
        let (name, bot) = head.split_once('@').unwrap_or((head, me));
        if !bot.eq_ignore_ascii_case(me) {
            return None;
        }
        let rest = rest.trim();
        let step = |step: Option<Step>| step.map(Self::Step);
        let (order, hint) = match name.to_lowercase().as_str() {
            "read" => (read(rest), READ),
            "shot" => (url(rest).map(|url| Self::Shot { url }), SHOT),
            "search" => (search(rest), SEARCH),
            "open" => (step(url(rest).map(|url| Step::Open { url })), OPEN),
            "click" => (
                step(number(rest).map(|number| Step::Click { number })),
                CLICK,
            ),
            "fill" => (step(fill(rest)), FILL),
            "scroll" => (step(scroll(rest)), SCROLL),
            "snap" => (step(Some(Step::Snap)), ""),
            "close" => (step(Some(Step::Close)), ""),
            _ => return None,
        };
        Some(order.ok_or(hint))
    }

    /// For the log.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Read { .. } => "read",
            Self::Shot { .. } => "shot",
            Self::Search { .. } => "search",
            Self::Step(_) => "step",
        }
    }

    /// What is done where its result could not be sent: a step is not taken twice, but for the look at where it has led.
    pub(super) fn again(self) -> Self {
        match self {
            Self::Step(Step::Close) => Self::Step(Step::Close),
            Self::Step(_) => Self::Step(Step::Snap),
            order => order,
        }
    }
}

const READ: &str = "Write the address behind the command, like: /read https://example.org\nWith the word browser behind that, a real browser reads it.";
const SHOT: &str = "Write the address behind the command, like: /shot https://example.org";
const SEARCH: &str = "Write what to search for behind the command, like: /search oolong";
const OPEN: &str = "Write the address behind the command, like: /open https://example.org";
const CLICK: &str = "Write the number of what to click on, like: /click 3";
const FILL: &str = "Write the field's number and the text, like: /fill 2 oolong";
const SCROLL: &str = "Write /scroll to go down, or /scroll up.";
/// Longer terms are a mistake.
const LONGEST_TERMS: usize = 400;

fn read(rest: &str) -> Option<Order> {
    let (address, how) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let in_browser = match how.trim() {
        "" => false,
        how if how.eq_ignore_ascii_case("browser") => true,
        _ => return None,
    };
    let url = url(address)?;
    Some(Order::Read { url, in_browser })
}

fn search(rest: &str) -> Option<Order> {
    let terms: String = rest.chars().take(LONGEST_TERMS).collect();
    (!terms.is_empty()).then_some(Order::Search { terms })
}

fn fill(rest: &str) -> Option<Step> {
    let (first, text) = rest.split_once(char::is_whitespace)?;
    let (number, text) = (number(first)?, text.trim().to_owned());
    Some(Step::Fill { number, text })
}

fn scroll(rest: &str) -> Option<Step> {
    match rest.to_lowercase().as_str() {
        "" | "down" => Some(Step::Scroll { is_up: false }),
        "up" => Some(Step::Scroll { is_up: true }),
        _ => None,
    }
}

fn number(text: &str) -> Option<u32> {
    text.parse().ok()
}

/// An address as people write it: without a scheme it is a secure one. Whether it may be reached is decided elsewhere.
pub(crate) fn url(text: &str) -> Option<Url> {
    if text.is_empty() || text.contains(char::is_whitespace) {
        return None;
    }
    if text.contains("://") {
        return Url::parse(text).ok();
    }
    let url = Url::parse(&format!("https://{text}")).ok()?;
    // A mere word is no address.
    url.host_str().filter(|host| host.contains('.'))?;
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<Told> {
        Order::parse(text, "tea_bot")
    }

    fn tea() -> Url {
        Url::parse("https://tea.example/a").unwrap()
    }

    #[test]
    fn a_command_is_heard_with_this_bots_name_or_none() {
        let shot = Some(Ok(Order::Shot { url: tea() }));
        assert_eq!(parse("/shot https://tea.example/a"), shot);
        assert_eq!(parse("/SHOT@Tea_Bot tea.example/a"), shot);
        for text in ["/shot@other_bot tea.example", "/shots x", "shot x", ""] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_page_is_read_in_the_browser_where_that_is_asked_for() {
        let read = |in_browser| {
            let url = tea();
            Some(Ok(Order::Read { url, in_browser }))
        };
        assert_eq!(parse("/read tea.example/a"), read(false));
        assert_eq!(parse("/read tea.example/a  Browser"), read(true));
        assert_eq!(parse("/read tea.example/a twice"), Some(Err(READ)));
    }

    #[test]
    fn what_is_missing_or_no_address_is_answered_with_how_to_write_it() {
        for (text, hint) in [
            ("/read", READ),
            ("/read tea", READ),
            ("/shot http://", SHOT),
            ("/search  ", SEARCH),
            ("/click three", CLICK),
            ("/fill 2", FILL),
            ("/scroll left", SCROLL),
        ] {
            assert_eq!(parse(text), Some(Err(hint)), "{text}");
        }
    }

    #[test]
    fn steps_have_their_number_and_their_text() {
        let step = |step| Some(Ok(Order::Step(step)));
        let fill = Step::Fill {
            number: 2,
            text: "green tea".to_owned(),
        };
        assert_eq!(parse("/fill 2  green tea "), step(fill));
        assert_eq!(parse("/click 3"), step(Step::Click { number: 3 }));
        assert_eq!(parse("/scroll UP"), step(Step::Scroll { is_up: true }));
    }

    #[test]
    fn every_command_that_is_listed_is_understood() {
        for (name, _) in COMMANDS {
            assert!(parse(&format!("/{name}")).is_some(), "{name}");
        }
    }
}
