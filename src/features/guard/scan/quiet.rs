//! Hours of a group's day in which no scan begins by itself.

use std::time::Duration;

use chrono::{DateTime, Days, NaiveDateTime, NaiveTime, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

use super::super::moment::Moment;

/// When the quiet hours end in which this time is; none where it is in none. They are hours of the zone's own clock, from
/// the first to before the second, over midnight where the first is the later one; two that are equal are none at all.
/// A zone that nobody knows is UTC.
pub(super) fn quiet_until(hours: Option<(u8, u8)>, zone: &str, at: Moment) -> Option<Moment> {
    let (from, to) = hours?;
    let zone: Tz = zone.parse().unwrap_or(Tz::UTC);
    let local = DateTime::<Utc>::from(at).with_timezone(&zone);
    let hour = u8::try_from(local.hour()).unwrap_or(0);
    let is_quiet = if from <= to {
        (from..to).contains(&hour)
    } else {
        hour >= from || hour < to
    };
    if !is_quiet {
        return None;
    }
    let today = local.date_naive();
    let day = if hour < to {
        today
    } else {
        today.checked_add_days(Days::new(1))?
    };
    let end = day.and_time(NaiveTime::from_hms_opt(u32::from(to), 0, 0)?);
    let end = first_after_gap(zone, end)?;
    // An hour that comes twice ends when it is over for the first time.
    let millis = u64::try_from(end.timestamp_millis()).ok()?;
    Some(Moment(millis).max(at))
}

/// The time at which a clock of the zone shows this, or the first one after it where that is left out.
fn first_after_gap(zone: Tz, mut local: NaiveDateTime) -> Option<DateTime<Tz>> {
    const STEP: Duration = Duration::from_secs(15 * 60);
    /// A zone that changes sides of the date line leaves out a day.
    const STEPS: u32 = 26 * 4;
    for _ in 0..STEPS {
        if let Some(time) = zone.from_local_datetime(&local).earliest() {
            return Some(time);
        }
        local += STEP;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> Moment {
        let time: DateTime<Utc> = format!("{text}:00Z").parse().unwrap();
        Moment(u64::try_from(time.timestamp_millis()).unwrap())
    }

    #[track_caller]
    fn ends(hours: (u8, u8), zone: &str, at: &str, end: Option<&str>) {
        assert_eq!(quiet_until(Some(hours), zone, utc(at)), end.map(utc));
    }

    #[test]
    fn a_range_over_midnight_ends_on_the_next_morning() {
        let at = |at, end| ends((22, 8), "UTC", at, end);
        at("2026-11-22T21:59", None);
        at("2026-11-22T22:00", Some("2026-11-23T08:00"));
        at("2026-11-23T00:30", Some("2026-11-23T08:00"));
        at("2026-11-23T07:59", Some("2026-11-23T08:00"));
        at("2026-11-23T08:00", None);
    }

    #[test]
    fn a_range_within_a_day_ends_on_that_day() {
        ends((1, 5), "UTC", "2026-11-22T00:59", None);
        ends((1, 5), "UTC", "2026-11-22T01:00", Some("2026-11-22T05:00"));
        ends((1, 5), "UTC", "2026-11-22T05:00", None);
        ends((20, 0), "UTC", "2026-11-22T23:59", Some("2026-11-23T00:00"));
    }

    #[test]
    fn equal_hours_and_no_hours_are_no_quiet_hours() {
        for hour in ["00:00", "07:59", "08:00", "23:00"] {
            ends((8, 8), "UTC", &format!("2026-11-22T{hour}"), None);
        }
        assert_eq!(quiet_until(None, "UTC", utc("2026-11-22T23:00")), None);
    }

    #[test]
    fn hours_are_those_of_the_zone() {
        ends(
            (22, 8),
            "Asia/Shanghai",
            "2026-11-22T14:00",
            Some("2026-11-23T00:00"),
        );
        ends((22, 8), "Asia/Shanghai", "2026-11-22T13:59", None);
        ends(
            (22, 8),
            "Asia/Kolkata",
            "2026-11-22T16:30",
            Some("2026-11-23T02:30"),
        );
        ends(
            (22, 8),
            "Nowhere/AtAll",
            "2026-11-22T22:00",
            Some("2026-11-23T08:00"),
        );
    }

    #[test]
    fn a_night_in_which_clocks_change_ends_at_the_same_hour_by_the_clock() {
        let berlin = |at, end| ends((22, 8), "Europe/Berlin", at, end);
        berlin("2026-03-28T21:00", Some("2026-03-29T06:00"));
        berlin("2026-10-24T20:00", Some("2026-10-25T07:00"));
    }

    #[test]
    fn an_end_in_an_hour_that_is_left_out_is_the_end_of_the_gap() {
        // In Berlin two o'clock is three o'clock then.
        ends(
            (22, 2),
            "Europe/Berlin",
            "2026-03-28T23:00",
            Some("2026-03-29T01:00"),
        );
    }

    #[test]
    fn an_end_in_an_hour_that_comes_twice_is_its_first_time() {
        let night = |at, end| ends((22, 2), "Europe/Berlin", at, end);
        night("2026-10-24T23:59", Some("2026-10-25T00:00"));
        night("2026-10-25T00:00", None);
        night("2026-10-25T01:00", None);
    }
}
