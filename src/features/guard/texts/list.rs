//! Lists that end in time: "…, … and 940 more".

/// Telegram formats a hundred things in a message at most, and a list of names nobody reads to its end.
const ENTRIES: usize = 50;
/// Of the 4096 units of a message, tags included; the rest is for what stands around the list.
const UNITS: usize = 3200;

/// The entries that fit, and how many do not; `more` were left out before.
pub(super) fn fitting(entries: impl Iterator<Item = String>, more: usize) -> (Vec<String>, usize) {
    let (mut shown, mut hidden, mut units) = (Vec::new(), more, 0);
    for entry in entries {
        units += entry.encode_utf16().count() + 2;
        if shown.len() < ENTRIES && units <= UNITS {
            shown.push(entry);
        } else {
            hidden += 1;
        }
    }
    (shown, hidden)
}
