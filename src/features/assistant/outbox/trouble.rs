//! What a failure means for what was to be said.

use std::time::Duration;

use serde_json::Value;
use teloxide::{ApiError, RequestError};

use super::Parcel;
use crate::features::errors::{brief, is_about_the_server};
use crate::features::moment::Moment;

/// What could not be said for so long is given up.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);
/// The longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// What the server has taken, and told in a way that cannot be read: to send it again would be to say it twice.
pub(super) fn taken(error: &RequestError) -> Option<Value> {
    let RequestError::InvalidJson { raw, .. } = error else {
        return None;
    };
    let answer: Value = serde_json::from_str(raw).ok()?;
    (answer["ok"] == true).then_some(answer)
}

pub(super) fn or_has_arrived(error: RequestError) -> Result<(), RequestError> {
    taken(&error).map(drop).ok_or(error)
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// To be tried again after this time.
    Passing(Duration),
    /// The group has another number now.
    Moved(i64),
    /// The entities are not liked.
    Entities,
    /// It is refused, and will be.
    Refused(String),
}

/// What this error is for this parcel now.
pub(super) fn weigh(error: &RequestError, parcel: &Parcel, now: Moment) -> Trouble {
    let is_old = now.since(parcel.since) >= LONGEST;
    match error {
        RequestError::RetryAfter(wait) => Trouble::Passing(wait.duration()),
        RequestError::MigrateToChatId(to) => Trouble::Moved(to.0),
        RequestError::Api(error) if !is_about_the_server(error) => {
            if is_about_entities(error) && !parcel.is_bare {
                Trouble::Entities
            } else {
                Trouble::Refused(error.to_string())
            }
        }
        error if is_old => Trouble::Refused(brief(error)),
        _ => {
            let wait = Duration::from_secs(1 << parcel.tries.min(9));
            Trouble::Passing(wait.min(LONGEST_WAIT))
        }
    }
}

fn is_about_entities(error: &ApiError) -> bool {
    let text = error.to_string().to_lowercase();
    text.contains("entit") || text.contains("url")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use teloxide::types::Seconds;

    use super::*;

    fn says(text: &str) -> RequestError {
        RequestError::Api(ApiError::Unknown(text.to_owned()))
    }

    #[test]
    fn a_flood_wait_only_delays_even_what_is_old() {
        let parcel = Parcel::plain("x");
        let much_later = parcel.since + LONGEST * 2;
        let error = RequestError::RetryAfter(Seconds::from_seconds(200));
        let delayed = Trouble::Passing(Duration::from_secs(200));
        assert_eq!(weigh(&error, &parcel, much_later), delayed);
    }

    #[test]
    fn a_network_in_trouble_is_waited_out_with_growing_waits_for_a_day() {
        let mut parcel = Parcel::plain("x");
        let error = RequestError::Io(Arc::new(std::io::Error::other("x")));
        let mut waits = Vec::new();
        for tries in [0, 1, 8, 9, 50] {
            parcel.tries = tries;
            let Trouble::Passing(wait) = weigh(&error, &parcel, parcel.since) else {
                panic!("it is given up");
            };
            waits.push(wait.as_secs());
        }
        assert_eq!(waits, [1, 2, 256, 300, 300]);
        let a_day_later = parcel.since + LONGEST;
        assert!(matches!(
            weigh(&error, &parcel, a_day_later),
            Trouble::Refused(_)
        ));
        assert!(matches!(
            weigh(&says("Bad Gateway"), &parcel, parcel.since),
            Trouble::Passing(_)
        ));
    }

    #[test]
    fn what_was_taken_has_arrived_also_where_the_answer_cannot_be_read() {
        let of = |raw: &str| RequestError::InvalidJson {
            source: Arc::new(serde_json::from_str::<i32>("x").unwrap_err()),
            raw: raw.into(),
        };
        let taken = of(r#"{"ok": true, "result": {"message_id": 7, "gift": {"odd": 1}}}"#);
        assert!(or_has_arrived(taken).is_ok());
        for raw in [r#"{"ok":false}"#, r#"{"ok":true,"resu"#, "<html>"] {
            assert!(or_has_arrived(of(raw)).is_err(), "{raw}");
        }
    }

    #[test]
    fn formatting_that_is_refused_is_left_out_once() {
        let mut parcel = Parcel::plain("x");
        let error = says("Bad Request: ENTITY_BOUNDS_INVALID");
        assert_eq!(weigh(&error, &parcel, parcel.since), Trouble::Entities);
        parcel.is_bare = true;
        let refused = weigh(&error, &parcel, parcel.since);
        assert!(matches!(refused, Trouble::Refused(_)));
        let blocked = RequestError::Api(ApiError::BotBlocked);
        let refused = weigh(&blocked, &Parcel::plain("x"), parcel.since);
        assert!(matches!(refused, Trouble::Refused(_)));
    }
}
