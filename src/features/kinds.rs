//! Which kinds of updates a feature's tree takes, for the tests that hold its list against it.

use std::collections::BTreeSet;

use teloxide::types::AllowedUpdate;

use super::Failed;
use crate::bot::UpdateHandler;

/// That a tree takes these kinds and no others.
#[track_caller]
pub(super) fn assert_takes(tree: &UpdateHandler<Failed>, kinds: &[AllowedUpdate]) {
    // teloxide tells its users no other way than by what it prints for debugging.
    let text = format!("{:?}", tree.description());
    let observed = text.split("observed: {").nth(1).unwrap();
    let observed: BTreeSet<_> = observed.split('}').next().unwrap().split(", ").collect();
    let asked: Vec<_> = kinds.iter().map(|kind| format!("Kind({kind:?})")).collect();
    assert_eq!(observed, asked.iter().map(String::as_str).collect());
}
