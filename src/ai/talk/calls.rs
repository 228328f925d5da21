//! Joins the calls of tools that come in pieces.

use serde_json::{Value, json};

/// More calls than that in one answer are not listened to.
const CALLS: usize = 16;

/// Longer arguments are cut off, and then are no JSON: the model is told so.
const ARGUMENT_BYTES: usize = 256 * 1024;

/// A call as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Call {
    index: Option<u64>,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: String,
}

/// The calls of one answer.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<Call>);

impl Calls {
    /// Adds a piece: of the call with its `index`, or its `id` where there is no index, or else of the last one.
    ///
    /// Peers differ: some leave the index out, some give 0 to all, some repeat the id and the name in every piece.
    pub(super) fn add(&mut self, piece: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (id, name) = (text(&piece["id"]), text(&piece["function"]["name"]));
        let Some(call) = self.meant(piece["index"].as_u64(), &id, &name) else {
            return;
        };
        if call.id.is_empty() {
            call.id = id;
        }
        if call.name.is_empty() {
            call.name = name;
        }
        match &piece["function"]["arguments"] {
            Value::String(more) => call.arguments.push_str(more),
            whole @ Value::Object(_) => call.arguments = whole.to_string(),
            _ => {}
        }
        let end = call.arguments.floor_char_boundary(ARGUMENT_BYTES);
        call.arguments.truncate(end);
    }

    /// The calls in the order in which they began, each with an id.
    pub(super) fn finish(mut self) -> Vec<Call> {
        for (number, call) in self.0.iter_mut().enumerate() {
            if call.id.is_empty() {
                call.id = format!("call_{number}");
            }
        }
        self.0
    }

    fn meant(&mut self, index: Option<u64>, id: &str, name: &str) -> Option<&mut Call> {
        let is_other = |call: &Call| !id.is_empty() && !call.id.is_empty() && call.id != id;
        let found = match index {
            Some(_) => self
                .0
                .iter()
                .rposition(|call| call.index == index && !is_other(call)),
            None if !id.is_empty() => self.0.iter().rposition(|call| call.id == id),
            None if !name.is_empty() => None,
            None => self.0.len().checked_sub(1),
        };
        if found.is_none() && self.0.len() < CALLS {
            self.0.push(Call {
                index,
                ..Call::default()
            });
            return self.0.last_mut();
        }
        self.0.get_mut(found?)
    }
}

impl Call {
    /// As it stands in the assistant's message.
    pub(super) fn to_value(&self) -> Value {
        let arguments = if self.arguments.is_empty() {
            "{}"
        } else {
            &self.arguments
        };
        let function = json!({ "name": self.name, "arguments": arguments });
        json!({ "id": self.id, "type": "function", "function": function })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(pieces: Value) -> Vec<(String, String, String)> {
        let mut calls = Calls::default();
        pieces
            .as_array()
            .unwrap()
            .iter()
            .for_each(|piece| calls.add(piece));
        let calls = calls.finish().into_iter();
        calls
            .map(|call| (call.id, call.name, call.arguments))
            .collect()
    }

    fn call(id: &str, name: &str, arguments: &str) -> (String, String, String) {
        (id.to_owned(), name.to_owned(), arguments.to_owned())
    }

    #[test]
    fn pieces_are_joined_by_their_index() {
        let calls = joined(json!([
            { "index": 0, "id": "a", "function": { "name": "one", "arguments": "" } },
            { "index": 1, "id": "b", "function": { "name": "two", "arguments": "{\"x\"" } },
            { "index": 0, "function": { "arguments": "{}" } },
            { "index": 1, "function": { "arguments": ":1}" } },
        ]));
        assert_eq!(
            calls,
            [call("a", "one", "{}"), call("b", "two", "{\"x\":1}")]
        );
    }

    #[test]
    fn peers_may_leave_out_the_index_or_repeat_the_id() {
        let expected = [call("a", "one", "{}"), call("b", "two", "{\"x\":1}")];
        let repeated = joined(json!([
            { "id": "a", "function": { "name": "one", "arguments": "{}" } },
            { "id": "b", "function": { "name": "two", "arguments": "{\"x\"" } },
            { "id": "b", "function": { "name": "two", "arguments": ":1}" } },
        ]));
        assert_eq!(repeated, expected);
        let bare = joined(json!([
            { "id": "a", "function": { "name": "one", "arguments": "{}" } },
            { "id": "b", "function": { "name": "two", "arguments": "{\"x\"" } },
            { "function": { "arguments": ":1}" } },
        ]));
        assert_eq!(bare, expected);
        let all_zero = joined(json!([
            { "index": 0, "id": "a", "function": { "name": "one", "arguments": "{}" } },
            { "index": 0, "id": "b", "function": { "name": "two", "arguments": { "x": 1 } } },
        ]));
        assert_eq!(all_zero, expected);
    }

    #[test]
    fn a_call_without_an_id_is_given_one() {
        let calls = joined(json!([
            { "function": { "name": "one" } },
            { "function": { "name": "two" } },
        ]));
        assert_eq!(
            calls,
            [call("call_0", "one", ""), call("call_1", "two", "")]
        );
    }

    #[test]
    fn calls_have_a_limit() {
        let pieces: Vec<_> = (0..100)
            .map(|index| json!({ "index": index, "id": index.to_string() }))
            .collect();
        assert_eq!(joined(pieces.into()).len(), CALLS);
    }
}
