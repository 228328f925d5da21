//! The tool that knows the time.

use std::time::SystemTime;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use serde_json::{Map, Value, json};

use super::{Tool, ToolError};

/// The time now, in a zone that the model names, or UTC.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock;

#[async_trait]
impl Tool for Clock {
    fn name(&self) -> &str {
        "clock"
    }

    fn description(&self) -> &str {
        "Tells the date, the day of the week and the time now."
    }

    fn parameters(&self) -> Value {
        let zone = json!({
            "type": "string",
            "description": "An IANA time zone such as Europe/Berlin. UTC where it is left out.",
        });
        json!({ "type": "object", "properties": { "zone": zone }, "additionalProperties": false })
    }

    async fn call(&self, arguments: Map<String, Value>) -> Result<String, ToolError> {
        let zone = zone(&arguments)?;
        Ok(tell(SystemTime::now(), zone))
    }
}

fn zone(arguments: &Map<String, Value>) -> Result<Tz, ToolError> {
    let name = match arguments.get("zone") {
        None | Some(Value::Null) => return Ok(Tz::UTC),
        Some(Value::String(name)) if name.trim().is_empty() => return Ok(Tz::UTC),
        Some(Value::String(name)) => name.trim(),
        Some(_) => return Err(ToolError("`zone` must be a string".to_owned())),
    };
    let mut zones = TZ_VARIANTS.iter();
    let found = zones.find(|zone| zone.name().eq_ignore_ascii_case(name));
    found.copied().ok_or_else(|| {
        let text = "there is no such time zone; give its IANA name, such as Europe/Berlin";
        ToolError(text.to_owned())
    })
}

fn tell(now: SystemTime, zone: Tz) -> String {
    let now = DateTime::<Utc>::from(now).with_timezone(&zone);
    let time = now.format("%A, %-d %B %Y, %H:%M:%S %Z (UTC%:z)");
    format!("{time}, {zone}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn asked(zone: Value) -> Result<Tz, ToolError> {
        super::zone(json!({ "zone": zone }).as_object().unwrap())
    }

    #[test]
    fn the_time_is_told_in_the_zone() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_750_000_000);
        assert_eq!(
            tell(now, Tz::Europe__Berlin),
            "Sunday, 15 June 2025, 17:06:40 CEST (UTC+02:00), Europe/Berlin"
        );
        assert_eq!(
            tell(now, Tz::UTC),
            "Sunday, 15 June 2025, 15:06:40 UTC (UTC+00:00), UTC"
        );
    }

    #[test]
    fn a_zone_is_utc_or_an_iana_name() {
        assert_eq!(super::zone(&Map::new()), Ok(Tz::UTC));
        assert_eq!(asked(Value::Null), Ok(Tz::UTC));
        assert_eq!(asked("europe/berlin".into()), Ok(Tz::Europe__Berlin));
        assert!(asked("Mars".into()).unwrap_err().0.contains("IANA"));
        assert!(asked(2.into()).is_err());
    }
}
