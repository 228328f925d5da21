//! ARCHITECTURE.md says the same as the table, and the README the same as the example.

use std::fs;

use super::table::MAY_IMPORT;

fn document(name: &str) -> String {
    fs::read_to_string(format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The first fenced block after a marker.
fn block_after<'a>(text: &'a str, marker: &str) -> &'a str {
    let rest = text
        .split_once(marker)
        .unwrap_or_else(|| panic!("no {marker:?}"))
        .1;
    let rest = rest.split_once("```").expect("a block follows").1;
    rest.split_once('\n')
        .unwrap()
        .1
        .split_once("```")
        .expect("the block ends")
        .0
}

#[test]
fn the_picture_shows_the_table() {
    let text = document("ARCHITECTURE.md");
    let drawn: Vec<&str> = block_after(&text, "<!-- the import table -->")
        .lines()
        .collect();
    let table: Vec<String> = MAY_IMPORT
        .iter()
        .map(|(room, allowed)| match *allowed {
            [] => format!("{room:<10}→ (nothing of ours)"),
            ["*"] => format!("{room:<10}→ every room"),
            rooms => format!("{room:<10}→ {}", rooms.join(", ")),
        })
        .collect();
    assert_eq!(drawn, table);
}

#[test]
fn the_readme_shows_the_first_example() {
    let readme = document("README.md");
    let example = document("examples/hello.rs");
    let code = example.split_once("\n\n").unwrap().1;
    assert_eq!(block_after(&readme, "<!-- examples/hello.rs -->"), code);
    assert!(code.lines().count() < 25, "the first example is short");
}
