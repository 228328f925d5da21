//! Reads the `crate::…` paths of every source file and holds them against the table.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::table::{LIFECYCLE_MAY_USE, MAY_IMPORT, SHARED};

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");

fn source_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            source_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The room a file belongs to: its first folder below `src`, or its own name there.
fn room_of(file: &Path) -> String {
    let inside = file.strip_prefix(SOURCES).unwrap();
    let first = inside.iter().next().unwrap().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

fn rooms() -> impl Iterator<Item = (PathBuf, String, String)> {
    let mut files = Vec::new();
    source_files(Path::new(SOURCES), &mut files);
    assert!(files.len() > 30, "the sources were not found");
    files.into_iter().filter_map(|file| {
        let room = room_of(&file);
        // The roots name the rooms, they are none.
        let is_root = room == "lib" || room == "main";
        let text = code_of(&fs::read_to_string(&file).unwrap());
        (!is_root).then_some((file, room, text))
    })
}

/// The text without its comments: links in the documentation are no imports.
fn code_of(text: &str) -> String {
    text.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

fn identifier(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    &text[..end]
}

/// Every path that begins with `crate::`, as far as its second name: `telegram` and `telegram::outgoing`.
fn crate_paths(text: &str) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for (at, prefix) in text.match_indices("crate::") {
        let preceding = text[..at].chars().next_back();
        if preceding.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &text[at + prefix.len()..];
        let members: Vec<&str> = match rest.strip_prefix('{') {
            // `use crate::{a::B, c}`: the names at the top of the braces.
            Some(group) => top_of_braces(group),
            None => vec![rest],
        };
        for member in members {
            let room = identifier(member);
            let inner = member[room.len()..]
                .strip_prefix("::")
                .map(identifier)
                .unwrap_or_default();
            paths.insert(if inner.is_empty() {
                room.to_owned()
            } else {
                format!("{room}::{inner}")
            });
        }
    }
    paths
}

fn top_of_braces(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut members) = (0_i32, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                members.push(group[start..at].trim());
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                members.push(group[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    members.retain(|member| !member.is_empty());
    members
}

fn is_allowed(room: &str, path: &str) -> bool {
    let target = path.split("::").next().unwrap_or_default();
    let (_, allowed) = MAY_IMPORT
        .iter()
        .find(|(from, _)| *from == room)
        .unwrap_or_else(|| panic!("the room {room} is not in the table"));
    target == room
        || allowed
            .iter()
            .any(|to| *to == "*" || *to == target || *to == path)
}

#[test]
fn rooms_import_only_what_the_table_allows() {
    let mut broken = Vec::new();
    for (file, room, text) in rooms() {
        for path in crate_paths(&text) {
            if !is_allowed(&room, &path) {
                broken.push(format!("{}: {room} may not import {path}", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// A feature's file and the feature's name.
fn features() -> Vec<(PathBuf, String, String)> {
    let of_feature = |(file, room, text): (PathBuf, String, String)| {
        let name = file
            .strip_prefix(SOURCES)
            .unwrap()
            .iter()
            .nth(1)?
            .to_str()?
            .trim_end_matches(".rs")
            .to_owned();
        (room == "features" && name != "mod").then_some((file, name, text))
    };
    rooms().filter_map(of_feature).collect()
}

#[test]
fn features_never_import_each_other() {
    let features = features();
    assert!(!features.is_empty(), "the features were not found");
    let names: BTreeSet<&String> = features.iter().map(|(_, name, _)| name).collect();
    let is_feature = |name: &&&String| !SHARED.contains(&name.as_str());
    for (file, own, text) in &features {
        for other in names.iter().filter(is_feature).filter(|name| **name != own) {
            for path in [
                format!("crate::features::{other}"),
                format!("super::{other}"),
            ] {
                assert!(
                    !text.contains(&path),
                    "{} reaches into {other}",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn the_core_uses_nothing_but_what_a_core_needs() {
    let is_test = |file: &Path| {
        file.iter()
            .any(|part| part == "tests" || part == "tests.rs")
    };
    for (file, _, text) in rooms().filter(|(file, room, _)| room == "lifecycle" && !is_test(file)) {
        for line in text
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("use "))
        {
            let root = identifier(line);
            let is_ours = ["crate", "super", "self"].contains(&root)
                || line.starts_with(|c: char| c.is_uppercase());
            let is_child = file.with_extension("").join(format!("{root}.rs")).exists()
                || file.with_file_name(format!("{root}.rs")).exists();
            assert!(
                is_ours || is_child || LIFECYCLE_MAY_USE.contains(&root),
                "{} uses {root}",
                file.display()
            );
        }
    }
}

#[test]
fn paths_are_found_in_every_form() {
    let text = "use crate::{store::{A, B}, lanes}; fn f() { crate::telegram::outgoing::send(); mycrate::x(); }";
    let found: Vec<_> = crate_paths(text).into_iter().collect();
    assert_eq!(found, ["lanes", "store", "telegram::outgoing"]);
}
