//! Lists that end in time: "…, … and 940 more".

/// Telegram formats a hundred things in a message at most, and nobody reads a list of names to its end.
const ENTRIES: usize = 50;
/// Of the 4096 units of a message, tags included; the rest is for what stands around the list.
const UNITS: usize = 3200;

/// The first entries, as many as fit, and how many do not; `more` were left out before.
pub(super) fn fitting<T>(
    entries: &[T],
    more: usize,
    show: impl Fn(&T) -> String,
) -> (Vec<String>, usize) {
    let mut units = 0;
    let fits = |entry: &String| {
        units += entry.encode_utf16().count() + 2;
        units <= UNITS
    };
    let shown: Vec<_> = entries
        .iter()
        .take(ENTRIES)
        .map(show)
        .take_while(fits)
        .collect();
    let hidden = entries.len() - shown.len() + more;
    (shown, hidden)
}
