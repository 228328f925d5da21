//! What a call's failure means for what it was to do.

use std::time::Duration;

use teloxide::RequestError;

pub(super) use crate::features::errors::brief;
use crate::features::errors::is_about_the_server;

/// So many tries, the last of them about five minutes after the first.
pub(super) const TRIES: u8 = 8;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// To be tried again after this time.
    Passing(Duration),
    /// The group has another number now.
    Moved(i64),
    /// It is refused, and will be.
    Refused(String),
}

/// What this error is, after so many tries that failed before.
pub(super) fn weigh(error: &RequestError, tries: u8) -> Trouble {
    let again = || Trouble::Passing(Duration::from_secs(1 << tries.min(7)));
    match error {
        RequestError::RetryAfter(wait) => Trouble::Passing(wait.duration()),
        RequestError::MigrateToChatId(to) => Trouble::Moved(to.0),
        RequestError::Api(error) if !is_about_the_server(error) => {
            Trouble::Refused(error.to_string())
        }
        _ if tries < TRIES => again(),
        RequestError::Network(_) => Trouble::Refused("the server cannot be reached".to_owned()),
        _ => Trouble::Refused("the server is in trouble".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use teloxide::ApiError;

    use super::*;

    #[test]
    fn a_server_in_trouble_is_asked_again_and_a_refusal_is_not() {
        let says = |text: &str| RequestError::Api(ApiError::Unknown(text.to_owned()));
        let passing = Trouble::Passing(Duration::from_secs(1));
        assert_eq!(weigh(&says("Bad Gateway"), 0), passing);
        assert_eq!(weigh(&says("Internal Server Error: restart"), 0), passing);
        assert!(matches!(
            weigh(&says("Bad Request: PEER_ID_INVALID"), 0),
            Trouble::Refused(_)
        ));
        assert!(matches!(
            weigh(&says("Bad Gateway"), TRIES),
            Trouble::Refused(_)
        ));
    }
}
