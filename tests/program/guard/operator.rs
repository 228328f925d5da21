//! What an operator at a console sees of the guard.

use serde_json::json;

use super::town::{TEA, Town};

#[tokio::test]
async fn groups_are_told_with_whether_it_is_on_and_who_has_still_to_verify() {
    let town = Town::new(json!({})).await;
    let _bot = town.bot();
    for person in [71, 72] {
        town.joins(TEA, person).await;
        town.becomes(TEA, person, "restricted").await;
    }
    let told = town.attached("guard");
    let line = told.lines().find(|line| line.starts_with(&TEA.to_string()));
    let line = line.unwrap_or_else(|| panic!("{told}"));
    assert!(line.contains(" on   2 to verify  "), "{told}");
}
