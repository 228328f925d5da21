//! For how long a server wants to be let alone.

use std::time::{Duration, SystemTime};

use chrono::DateTime;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::ai::breaker::LONGEST;

/// What `retry-after-ms` or `Retry-After` say, the latter in seconds or as a date; an hour at most. None where neither
/// says anything that can be understood.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |text: &str, unit: f64| {
        let count = text.parse().ok().filter(|count: &f64| !count.is_nan())?;
        // Beyond what a duration can hold it is a very long time all the same.
        let seconds = (count * unit).min(LONGEST.as_secs_f64());
        Duration::try_from_secs_f64(seconds).ok()
    };
    let from_ms = text("retry-after-ms").and_then(|text| number(text, 0.001));
    let from_seconds = || text(RETRY_AFTER.as_str()).and_then(|text| number(text, 1.0));
    let from_date = || {
        let date = DateTime::parse_from_rfc2822(text(RETRY_AFTER.as_str())?).ok()?;
        let wait = SystemTime::from(date).duration_since(now);
        Some(wait.unwrap_or_default())
    };
    let wait = from_ms.or_else(from_seconds).or_else(from_date)?;
    Some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &'static str, value: &'static str) -> Option<Duration> {
        let headers = [(name.parse().unwrap(), value.parse().unwrap())];
        // Sun, 06 Nov 1994 08:49:37 GMT
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        retry_after(&headers.into_iter().collect(), now)
    }

    #[test]
    fn seconds_milliseconds_and_dates_are_understood() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(of("retry-after", "7"), seconds(7));
        assert_eq!(of("retry-after", "0.5"), Some(Duration::from_millis(500)));
        assert_eq!(
            of("retry-after-ms", "1500"),
            Some(Duration::from_millis(1500))
        );
        assert_eq!(
            of("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT"),
            seconds(60)
        );
        assert_eq!(
            of("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT"),
            seconds(0)
        );
    }

    #[test]
    fn an_hour_is_the_most_and_nonsense_is_nothing() {
        let hour = Some(LONGEST);
        assert_eq!(of("retry-after", "1e300"), hour);
        assert_eq!(of("retry-after", "inf"), hour);
        assert_eq!(of("retry-after", "Sat, 06 Nov 2094 08:49:37 GMT"), hour);
        for nonsense in ["-1", "NaN", "soon", ""] {
            assert_eq!(of("retry-after", nonsense), None, "{nonsense:?}");
        }
    }
}
