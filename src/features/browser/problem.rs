//! Why there is no page, in words for whoever asked.

use tracing::warn;

use super::address::Refused;
use super::chromium::PageError;
use super::extract::ExtractError;
use super::fetch::FetchError;

/// Why there is nothing to show. The texts are for people; what only an operator understands is in the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    /// The page's server does not want it to be read by programs of their own accord.
    #[error("its site asks programs not to read that page (robots.txt)")]
    Robots,
    /// Nobody could be asked for that.
    #[error("whether its site lets programs read that page could not be asked (robots.txt)")]
    RobotsNotAsked,
    /// It takes a browser, and there is none.
    #[error("that takes a browser, and there is none on the machine I run on")]
    NoBrowser,
    /// Nobody can be asked for pages about something.
    #[error("there is nobody I could ask: my operator has set up no search engine")]
    NoSearch,
    /// What else there is, said.
    #[error("{0}")]
    Said(String),
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        Self::Said(refused.to_string())
    }
}

impl From<FetchError> for Problem {
    fn from(error: FetchError) -> Self {
        Self::Said(error.to_string())
    }
}

impl From<ExtractError> for Problem {
    fn from(error: ExtractError) -> Self {
        match error {
            ExtractError::NotStarted(_) | ExtractError::Died(_) => {
                warn!(%error, "a page could not be read");
                Self::Said("the page could not be read: it was too much for me".to_owned())
            }
            error => Self::Said(error.to_string()),
        }
    }
}

impl From<PageError> for Problem {
    fn from(error: PageError) -> Self {
        match error {
            PageError::NotInstalled => Self::NoBrowser,
            PageError::NoProgram(_) => {
                warn!(%error, "there is no browser");
                Self::NoBrowser
            }
            PageError::Died(_) | PageError::Refused { .. } => {
                warn!(%error, "the browser failed");
                Self::Said("the browser failed at that page".to_owned())
            }
            PageError::Unreachable(why) => Self::Said(format!(
                "the browser could not open the page: {}",
                unreachable(&why)
            )),
            error => Self::Said(error.to_string()),
        }
    }
}

/// What the browser's own names for it mean.
fn unreachable(why: &str) -> &'static str {
    let is = |name: &str| why.contains(name);
    match () {
        () if is("TUNNEL") || is("PROXY") => {
            "its server cannot be reached, or may not be reached from here"
        }
        () if is("NAME_NOT_RESOLVED") => "there is no such name",
        () if is("CERT") || is("SSL") => "there is no secure connection to its server",
        () if is("TIMED_OUT") => "its server did not answer in time",
        () if is("TOO_MANY_REDIRECTS") => "it redirects to itself",
        () => "its server does not answer as web servers do",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_an_operator_understands_is_not_told() {
        let died = PageError::Died("ended by itself; its last words: /home/op/x".to_owned());
        assert_eq!(
            Problem::from(died).to_string(),
            "the browser failed at that page"
        );
        let missing = PageError::NoProgram("/home/op/chromium".into());
        assert_eq!(Problem::from(missing), Problem::NoBrowser);
        let died = ExtractError::Died("signal 11".to_owned());
        assert!(!Problem::from(died).to_string().contains("11"));
        let odd = PageError::Unreachable("net::ERR_TUNNEL_CONNECTION_FAILED".to_owned());
        assert!(!Problem::from(odd).to_string().contains("ERR_"));
    }
}
