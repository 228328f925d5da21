//! What is sent: the request as it came, with as little changed as possible.

use serde_json::{Map, Value, json};

/// The body for a whole answer. What concerns streams is left out: OpenAI refuses it here.
pub(super) fn whole(model: &str, mut body: Map<String, Value>) -> Map<String, Value> {
    rewrite(model, &mut body);
    body.insert("stream".to_owned(), false.into());
    body.shift_remove("stream_options");
    body
}

/// The body for a stream. With `wants_usage` it asks for the usage too, whether or not that was asked for here.
pub(super) fn streamed(
    model: &str,
    mut body: Map<String, Value>,
    wants_usage: bool,
) -> Map<String, Value> {
    rewrite(model, &mut body);
    body.insert("stream".to_owned(), true.into());
    if wants_usage {
        match body.get_mut("stream_options") {
            None | Some(Value::Null) => {
                body.insert(
                    "stream_options".to_owned(),
                    json!({ "include_usage": true }),
                );
            }
            Some(Value::Object(options)) => {
                options.insert("include_usage".to_owned(), true.into());
            }
            // Not for us to mend: the provider will say what it thinks of it.
            Some(_) => {}
        }
    }
    body
}

fn rewrite(model: &str, body: &mut Map<String, Value>) {
    // `shift_remove` leaves the other fields in their order.
    body.shift_remove("provider");
    // An empty name is that of no model: a provider that lists none is left to choose.
    if model.is_empty() {
        body.shift_remove("model");
    } else {
        body.insert("model".to_owned(), model.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn unknown_fields_go_through_and_only_model_provider_and_stream_change() {
        let asked = map(
            json!({ "model": "x", "provider": "p", "tools": [{ "a": 1 }], "seed": 7, "stream": true }),
        );
        let expected = json!({ "model": "y", "tools": [{ "a": 1 }], "seed": 7, "stream": false });
        assert_eq!(whole("y", asked), map(expected));
    }

    #[test]
    fn fields_stay_in_their_order() {
        let text =
            r#"{"z":1,"provider":"p","model":"x","y":{"b":1,"a":2},"stream_options":{},"x":3}"#;
        let sent = |body: Map<String, Value>| Value::Object(body).to_string();
        let read = || serde_json::from_str::<Map<String, Value>>(text).unwrap();
        assert_eq!(
            sent(whole("m", read())),
            r#"{"z":1,"model":"m","y":{"b":1,"a":2},"x":3,"stream":false}"#
        );
        assert_eq!(
            sent(streamed("m", read(), true)),
            r#"{"z":1,"model":"m","y":{"b":1,"a":2},"stream_options":{"include_usage":true},"x":3,"stream":true}"#
        );
    }

    #[test]
    fn a_stream_asks_for_its_usage_beside_other_options() {
        let options = |asked: Value| streamed("m", map(asked), true)["stream_options"].clone();
        assert_eq!(options(json!({})), json!({ "include_usage": true }));
        assert_eq!(
            options(json!({ "stream_options": { "include_obfuscation": false } })),
            json!({ "include_obfuscation": false, "include_usage": true })
        );
        assert_eq!(options(json!({ "stream_options": 7 })), json!(7));
        assert_eq!(streamed("m", Map::new(), false).get("stream_options"), None);
    }
}
