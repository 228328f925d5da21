//! A sandbox server and bots as child processes, and what one can wait for.

mod bot;
mod process;
mod server;
mod upstream;
mod volume;

use std::env;
use std::io::Write;

pub(crate) use bot::Bot;
pub(crate) use process::{Ended, Process};
pub(crate) use server::{Server, TOKEN};
pub(crate) use upstream::Upstream;
pub(crate) use volume::Volume;

/// Whether a test must go without something that this machine lacks. It is said loudly, and where
/// `SUNDOWN_TEST_REQUIRE=all` is set it is a failure.
pub(crate) fn skip(test: &str, lacks: &str) {
    let text = format!("SKIPPED {test}: this machine lacks {lacks}");
    assert!(env::var("SUNDOWN_TEST_REQUIRE").is_err(), "{text}");
    // Past the test harness's capture, or nobody would see it.
    let _ = writeln!(std::io::stderr(), "\n*** {text} ***\n");
}

/// An example that cargo has built beside the tests. `cargo test` and `cargo test NAME` build it anew; `cargo test
/// --test program` does not.
pub(crate) fn example(name: &str) -> std::path::PathBuf {
    let tests = env::current_exe().unwrap();
    let path = tests
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .join("examples")
        .join(name);
    assert!(
        path.exists(),
        "{} is missing: run the tests with `cargo test`, which builds the examples",
        path.display()
    );
    path
}
