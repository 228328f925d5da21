//! Whether a database is whole.
//!
//! SQLite has no checksums: a look finds pages and rows that cannot be what was written, indexes that do not fit their
//! tables, and what has been cut off. It does not find a letter that has become another one within a text.

use std::path::Path;

use rusqlite::Connection;

use super::{Result, StoreError, refused};

/// A database with so many used pages is looked through at each start: 4 MB, which takes 3 ms, and more than a bot has
/// that keeps up with its updates. A million updates take 2.6 s, which no start should cost.
const LOOKED_THROUGH: i64 = 1_024;
/// Findings that are told at most.
const FINDINGS: usize = 100;

/// A look that costs a start a few milliseconds at most. Of a large database only what everything hangs on is looked
/// through; the rest is met when it is read.
pub(super) fn at_start(connection: &Connection) -> Result<()> {
    let failed = |error: rusqlite::Error| refused("check", connection, &error);
    let count = |pragma| connection.query_row(pragma, [], |row| row.get::<_, i64>(0));
    let all = count("PRAGMA page_count").map_err(failed)?;
    let free = count("PRAGMA freelist_count").map_err(failed)?;
    let looks: &[&str] = if all - free <= LOOKED_THROUGH {
        &["PRAGMA quick_check(1)"]
    } else {
        &[
            "PRAGMA quick_check('node')",
            "PRAGMA quick_check('cursors')",
        ]
    };
    for look in looks {
        if let Some(found) = findings(connection, look).map_err(failed)?.pop() {
            let path = Path::new(connection.path().unwrap_or_default()).to_owned();
            return Err(StoreError::Damaged { path, found });
        }
    }
    Ok(())
}

/// Looks through all of it, indexes included; returns what is wrong, up to a hundred findings.
pub(super) fn whole(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    findings(connection, &format!("PRAGMA integrity_check({FINDINGS})"))
}

fn findings(connection: &Connection, look: &str) -> rusqlite::Result<Vec<String>> {
    let mut select = connection.prepare(look)?;
    let lines = select.query_map([], |row| row.get::<_, String>(0))?;
    // A line begins with the tree it is about, where there is one; each is a sentence of its own.
    let lines = lines.filter(|line| !matches!(line, Ok(line) if line == "ok"));
    lines
        .map(|line| line.map(|line| line.replace('\n', " ")))
        .collect()
}
