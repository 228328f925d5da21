//! Splits a getUpdates result into raw updates: id and lane are read, the rest stays text.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::store::{LaneKey, RawUpdate, UpdateId};

/// Lanes of updates that belong to no chat and no user start here, far from every id that Telegram gives out.
const KEYLESS: i64 = i64::MIN;

/// An element of a getUpdates result. None where it has no usable `update_id`, and so cannot be confirmed by one.
pub(super) struct Element(pub(super) Option<RawUpdate>);

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Ok(Self(split(raw.get())))
    }
}

/// An update's fields, unread.
#[derive(Default)]
pub(super) struct Fields<'a> {
    id: Option<&'a RawValue>,
    /// The kind's name, and what is under it: the first field that is not the id.
    pub(super) payload: Option<(Name<'a>, &'a RawValue)>,
}

/// A field's name, borrowed wherever it is written without escapes.
#[derive(Deserialize)]
pub(super) struct Name<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// Finds an update's fields. None where it is no object.
pub(super) fn fields(body: &str) -> Option<Fields<'_>> {
    serde_json::from_str(body).ok()
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an update")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = Fields::default();
        while let Some((name, value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
            if name.0 == "update_id" {
                fields.id = Some(value);
            } else if fields.payload.is_none() {
                fields.payload = Some((name, value));
            }
        }
        Ok(fields)
    }
}

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

fn split(body: &str) -> Option<RawUpdate> {
    let Fields { id, payload } = fields(body)?;
    let id: i64 = serde_json::from_str(id?.get()).ok()?;
    // The Bot API's ids are positive 32-bit numbers. Another one must never become an offset: a negative offset
    // deletes what waits.
    (1..=i64::from(i32::MAX)).contains(&id).then_some(())?;
    let lane = payload.map_or(LaneKey(KEYLESS), |(kind, payload)| lane(&kind.0, payload));
    Some(RawUpdate {
        id: UpdateId(id),
        lane,
        body: body.into(),
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
        split(text).unwrap().lane.0
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
        let Element(update) = serde_json::from_str(text).unwrap();
        assert_eq!(&*update.unwrap().body, text);
    }

    #[test]
    fn an_id_that_must_not_become_an_offset_is_none() {
        for id in ["-5", "0", "9223372036854775807", "2147483648", "\"7\""] {
            let body = format!(r#"{{"update_id":{id},"message":{{}}}}"#);
            assert_eq!(split(&body), None, "{id}");
        }
    }

    #[test]
    fn an_update_without_an_id_is_none() {
        assert_eq!(split(r#"{"message":{}}"#), None);
    }

    #[test]
    fn an_element_that_is_no_update_does_not_spoil_its_neighbours() {
        let answer = r#"[7, null, {"update_\u0069d":5,"poll":{}}, {"update_id":6,"message":{"chat":"odd"}}]"#;
        let elements: Vec<Element> = serde_json::from_str(answer).unwrap();
        let ids = elements.into_iter().flat_map(|Element(update)| update);
        assert_eq!(ids.map(|update| update.id.0).collect::<Vec<_>>(), [5, 6]);
    }
}
