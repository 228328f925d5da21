//! Panics are caught: a profile that turns them into aborts would end the process without a stop.

use std::fs;

/// The profiles of a manifest in which a panic aborts.
fn aborting(manifest: &str) -> Vec<String> {
    let manifest: toml::Table = manifest.parse().unwrap();
    let profiles = manifest.get("profile").and_then(toml::Value::as_table);
    let aborts =
        |profile: &toml::Value| profile.get("panic").and_then(toml::Value::as_str) == Some("abort");
    profiles
        .into_iter()
        .flatten()
        .filter(|(_, profile)| aborts(profile))
        .map(|(name, _)| name.clone())
        .collect()
}

#[test]
fn no_profile_turns_panics_into_aborts() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    assert_eq!(aborting(&fs::read_to_string(manifest).unwrap()), [""; 0]);
    assert_eq!(aborting("[profile.release]\npanic = 'abort'"), ["release"]);
}
