//! What a call's failure means for what it was to do.

use std::time::Duration;

use teloxide::RequestError;

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
        RequestError::Api(error) => Trouble::Refused(error.to_string()),
        // A server in trouble answers something else than JSON.
        _ if tries < TRIES => again(),
        RequestError::Network(_) => Trouble::Refused("the server cannot be reached".to_owned()),
        _ => Trouble::Refused("the server is in trouble".to_owned()),
    }
}
