//! Splits a getUpdates result into raw updates: id and lane are read, the rest stays text.

use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::store::{LaneKey, RawUpdate, UpdateId};

/// Lanes of updates that belong to no chat and no user start here, far from every id that Telegram gives out.
const KEYLESS: i64 = i64::MIN;

#[derive(Deserialize)]
struct Id {
    id: i64,
}

/// The parts of an update's payload that say whose it is.
#[derive(Deserialize, Default)]
struct Owner {
    chat: Option<Id>,
    message: Option<Inner>,
    from: Option<Id>,
    user: Option<Id>,
}

#[derive(Deserialize)]
struct Inner {
    chat: Option<Id>,
}

/// Reads one update. None where it has no usable `update_id`, and so cannot be confirmed by one.
pub(super) fn split(raw: &RawValue) -> Option<RawUpdate> {
    let fields: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(raw.get()).ok()?;
    let id: i64 = serde_json::from_str(fields.get("update_id")?.get()).ok()?;
    // The Bot API's ids are positive 32-bit numbers. Another one must never become an offset: a negative offset
    // deletes what waits.
    (1..=i64::from(i32::MAX)).contains(&id).then_some(())?;
    let payload = fields.iter().find(|(name, _)| *name != "update_id");
    let lane = payload.map_or(LaneKey(KEYLESS), |(kind, payload)| lane(kind, payload));
    Some(RawUpdate {
        id: UpdateId(id),
        lane,
        body: raw.get().into(),
    })
}

/// The chat's lane; without a chat the user's (whose private chat has the same number); without either the kind's.
fn lane(kind: &str, payload: &RawValue) -> LaneKey {
    let owner: Owner = serde_json::from_str(payload.get()).unwrap_or_default();
    let chat = owner
        .chat
        .or_else(|| owner.message.and_then(|message| message.chat));
    match chat.or(owner.from).or(owner.user) {
        Some(owner) => LaneKey(owner.id),
        None => LaneKey(KEYLESS + kind.bytes().map(i64::from).sum::<i64>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane_of(text: &str) -> i64 {
        let raw = RawValue::from_string(text.to_owned()).unwrap();
        split(&raw).unwrap().lane.0
    }

    #[test]
    fn a_message_has_its_chats_lane() {
        assert_eq!(
            lane_of(r#"{"update_id":1,"message":{"chat":{"id":-5},"from":{"id":7}}}"#),
            -5
        );
    }

    #[test]
    fn a_button_has_the_lane_of_the_chat_it_is_in() {
        let button =
            r#"{"update_id":1,"callback_query":{"from":{"id":7},"message":{"chat":{"id":-5}}}}"#;
        assert_eq!(lane_of(button), -5);
    }

    #[test]
    fn an_inline_query_has_its_users_lane() {
        assert_eq!(
            lane_of(r#"{"update_id":1,"inline_query":{"from":{"id":7},"query":"x"}}"#),
            7
        );
    }

    #[test]
    fn an_update_of_nobody_has_its_kinds_lane() {
        let poll = lane_of(r#"{"update_id":1,"poll":{"id":"9"}}"#);
        assert_eq!(poll, lane_of(r#"{"poll":{"id":"10"},"update_id":2}"#));
        assert_ne!(poll, lane_of(r#"{"update_id":1,"news":{"id":"9"}}"#));
        assert!(poll < -(1 << 60));
    }

    #[test]
    fn the_body_is_kept_to_the_letter() {
        let text = r#"{ "update_id": 3, "odd": [1,  2] }"#;
        let raw = RawValue::from_string(text.to_owned()).unwrap();
        assert_eq!(&*split(&raw).unwrap().body, text);
    }

    #[test]
    fn an_id_that_must_not_become_an_offset_is_none() {
        for id in ["-5", "0", "9223372036854775807", "2147483648", "\"7\""] {
            let raw =
                RawValue::from_string(format!(r#"{{"update_id":{id},"message":{{}}}}"#)).unwrap();
            assert_eq!(split(&raw), None, "{id}");
        }
    }

    #[test]
    fn an_update_without_an_id_is_none() {
        let raw = RawValue::from_string(r#"{"message":{}}"#.to_owned()).unwrap();
        assert_eq!(split(&raw), None);
    }
}
