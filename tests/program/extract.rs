//! Reading pages in a process of their own: real children, and pages that end them.

use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use sundown::features::browser::extract::{ExtractError, Extracted, Extractor, Input, Kind};

/// Machines that test may be slow; what is measured here is computing, and it is the child that counts.
const PATIENCE: Duration = Duration::from_secs(120);

fn extract(kind: Kind, document: impl Into<Vec<u8>>) -> Result<Extracted, ExtractError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let input = Input {
        kind,
        charset: Some("utf-8".to_owned()),
        url: "https://a.test/b/c".to_owned(),
        bytes: document.into(),
    };
    let extractor = Extractor::new(env!("CARGO_BIN_EXE_sundown").into()).deadline(PATIENCE);
    runtime.block_on(extractor.extract(input))
}

#[test]
fn a_child_reads_a_page() {
    let page = "<title>T</title><p>Grüße, <a href='../d'>you</a>.";
    let read = extract(Kind::Html, page).unwrap();
    assert_eq!(read.title.as_deref(), Some("T"));
    assert_eq!(read.markdown, "Grüße, [you](https://a.test/d).");
}

#[test]
fn ten_thousand_levels_are_read() {
    let page = format!("{}deep", "<div>".repeat(10_000));
    let read = extract(Kind::Html, page).unwrap();
    assert!(read.is_flattened);
    assert_eq!(read.markdown, "deep");
}

#[test]
fn a_page_that_never_stops_computing_is_ended() {
    // Each level looks at all above it.
    let error = extract(Kind::Html, "<div>".repeat(1_000_000)).unwrap_err();
    assert!(matches!(error, ExtractError::TooMuchWork(_)), "{error}");
}

#[test]
fn a_page_that_eats_the_memory_is_ended() {
    // A paragraph begins all formats anew that the one before has left open: 300 kB become a hundred million nodes. A program
    // that was built without optimisation has used up its time before it has them.
    let formats: String = (0..5000).map(|nth| format!("<b a={nth}>")).collect();
    let error = extract(Kind::Html, format!("<p>{formats}{}", "<p>x".repeat(50_000))).unwrap_err();
    let is_ended = matches!(
        error,
        ExtractError::TooMuchMemory(_) | ExtractError::TooMuchWork(_)
    );
    assert!(is_ended, "{error}");
}

#[test]
fn a_child_limits_itself_before_it_reads() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sundown"))
        .args(["extract", "--kind", "html"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    for (limit, most) in [
        ("Max cpu time", "8"),
        ("Max address space", "1073741824"),
        ("Max open files", "16"),
        ("Max core file size", "0"),
        ("Max file size", "0"),
    ] {
        while soft_limit(child.id(), limit).as_deref() != Some(most) {
            assert!(began.elapsed() < PATIENCE, "{limit} is not {most}");
            sleep(Duration::from_millis(10)); // between two looks at a condition
        }
    }
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

fn soft_limit(process: u32, name: &str) -> Option<String> {
    let limits = fs::read_to_string(format!("/proc/{process}/limits")).ok()?;
    let values = limits.lines().find_map(|line| line.strip_prefix(name))?;
    values.split_whitespace().next().map(str::to_owned)
}

#[test]
fn what_is_no_pdf_is_said_so() {
    let error = extract(Kind::Pdf, "hello").unwrap_err();
    assert!(matches!(error, ExtractError::Unreadable(_)), "{error}");
}
