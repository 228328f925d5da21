//! What somebody wants who asks for the time.

use std::collections::HashMap;
use std::sync::LazyLock;

use chrono_tz::TZ_VARIANTS;
use serde_json::{Map, Value, json};

/// The tool that knows the time.
pub(super) const NAME: &str = "clock";

/// What is said by people who ask for the time.
const QUESTIONS: [&str; 14] = [
    "what time",
    "what's the time",
    "what is the time",
    "tell me the time",
    "know the time",
    "what day is",
    "what date",
    "what's the date",
    "what is the date",
    "wie spät",
    "wie viel uhr",
    "几点",
    "幾點",
    "什么时间",
];

pub(super) fn is_asked_for(text: &str) -> bool {
    let text = text.to_lowercase().replace('’', "'");
    QUESTIONS.iter().any(|question| text.contains(question))
}

/// Whether the request has the tool, and lets it be called.
pub(super) fn is_offered(body: &Map<String, Value>) -> bool {
    let tools = body.get("tools").and_then(Value::as_array);
    let is_clock = |tool: &Value| tool["function"]["name"] == NAME;
    let is_forbidden = body
        .get("tool_choice")
        .is_some_and(|choice| choice == "none");
    !is_forbidden && tools.is_some_and(|tools| tools.iter().any(is_clock))
}

/// The zone that is meant, where one is named: `Europe/Berlin`, or just `Berlin`.
pub(super) fn arguments(text: &str) -> Value {
    let word = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    let words: Vec<_> = text.split_whitespace().map(word).collect();
    let named = |words: &[String]| ZONES.get(&words.join("_").to_ascii_lowercase());
    let found = words.windows(2).find_map(named);
    match found.or_else(|| words.windows(1).find_map(named)) {
        Some(zone) => json!({ "zone": zone }),
        None => json!({}),
    }
}

/// The zones by what they are called: their whole names and their cities, in small letters. Among cities of the same name
/// the first counts.
static ZONES: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let mut zones = HashMap::new();
    for zone in TZ_VARIANTS.iter().map(|zone| zone.name()) {
        if let Some((_, city)) = zone.rsplit_once('/') {
            zones.entry(zone.to_ascii_lowercase()).or_insert(zone);
            zones.entry(city.to_ascii_lowercase()).or_insert(zone);
        }
    }
    zones
});

/// What the tool has said, handed on.
pub(super) fn told(result: &str) -> String {
    match result.trim() {
        "" => "My clock says nothing at all.".to_owned(),
        result => format!("My clock says: {result}"),
    }
}
