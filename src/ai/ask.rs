//! What somebody asks.

use serde_json::{Map, Value};

/// A chat completion that is wanted.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// The request's body in OpenAI's form: `messages`, `model`, and whatever else. On its way `model`, `stream` and
    /// `stream_options` are rewritten; the rest is sent as it is, with its fields in their order. A number that is
    /// neither a 64-bit integer nor a double becomes the nearest double.
    pub body: Map<String, Value>,
    /// The providers that may answer, in the order in which they are to be tried. Empty: all that have the model, in
    /// their own order.
    pub providers: Vec<String>,
}

impl Ask {
    /// The model that is asked for; none where that is left to the provider (absent, empty, `auto` or `default`).
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        let model = self.body.get("model").and_then(Value::as_str);
        model.filter(|name| !matches!(*name, "" | "auto" | "default"))
    }
}
