use std::fs;
use std::future::Future;
use std::path::PathBuf;

use super::super::Kind;
use super::*;

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// One whose child is a shell that does this.
fn child(script: &str) -> Extractor {
    let mut extractor = Extractor::new("sh".into()).deadline(PATIENCE);
    extractor.arguments = ["-c", script, "sh"].map(OsString::from).to_vec();
    extractor
}

fn page() -> Input {
    Input {
        kind: Kind::Html,
        charset: None,
        url: "https://a.test/?token=secret".to_owned(),
        bytes: b"<p>Hello".to_vec(),
    }
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("in time")
}

async fn failure(script: &str) -> ExtractError {
    soon(child(script).extract(page())).await.unwrap_err()
}

/// The processes whose arguments end with this, or have it among them, and are not dead.
fn alive_with(mark: &str) -> usize {
    let has_it = |path: PathBuf| {
        let arguments = fs::read(path.join("cmdline")).unwrap_or_default();
        let arguments = String::from_utf8_lossy(&arguments).into_owned();
        arguments.split('\0').any(|argument| argument == mark)
    };
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes.filter(|process| has_it(process.path())).count()
}

async fn until(mark: &str, count: usize) {
    let looked = async {
        while alive_with(mark) != count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let in_time = timeout(PATIENCE, looked).await;
    assert!(
        in_time.is_ok(),
        "{} have {mark}, not {count}",
        alive_with(mark)
    );
}

/// A number of seconds that no other test sleeps.
fn mark() -> String {
    fastrand::u64(1_000_000_000..2_000_000_000).to_string()
}

#[tokio::test]
async fn what_the_child_says_is_the_answer() {
    let said = r#"{"extracted":{"title":"T","description":null,"language":null,"markdown":"m","words":1,"pages":null,
        "unreadable_pages":0,"is_truncated":false,"is_flattened":false}}"#;
    let extracted = soon(child(&format!("cat >/dev/null; echo '{said}'")).extract(page()))
        .await
        .unwrap();
    assert_eq!(
        (extracted.title.as_deref(), extracted.markdown.as_str()),
        (Some("T"), "m")
    );
    let error = failure("echo '{\"unreadable\":\"it is no PDF\"}'").await;
    assert_eq!(error.to_string(), "the page cannot be read: it is no PDF");
}

#[tokio::test]
async fn the_child_has_no_environment_but_the_address_and_no_address_in_its_arguments() {
    let script = "test -z \"$CARGO_MANIFEST_DIR\" && test \"$SUNDOWN_EXTRACT_BASE_URL\" = 'https://a.test/?token=secret' \
                  && test \"$*\" = '--kind html' && echo '{\"unreadable\":\"as wanted\"}'";
    let error = failure(script).await;
    assert!(
        matches!(&error, ExtractError::Unreadable(why) if why == "as wanted"),
        "{error}"
    );
}

#[tokio::test]
async fn each_way_to_die_has_its_words() {
    for (script, words) in [
        ("kill -XCPU $$", "s of computing"),
        (
            "echo 'memory allocation of 9 bytes failed' >&2; kill -ABRT $$",
            "MiB of memory",
        ),
        (
            "echo 'thread main has overflowed its stack' >&2; kill -ABRT $$",
            "stack overflowed",
        ),
        ("kill -SEGV $$", "SIGSEGV"),
        ("exit 101", "101"),
        ("echo nonsense", "not understood"),
        ("exec cat /dev/zero", "no end"),
    ] {
        let error = failure(script).await.to_string();
        assert!(error.contains(words), "{script}: {error}");
    }
}

#[tokio::test]
async fn what_the_child_complains_of_is_not_told() {
    let error = failure("echo 'panicked at PAGE' >&2; exit 101").await;
    assert!(!format!("{error} {error:?}").contains("PAGE"));
}

#[tokio::test]
async fn much_complaint_holds_nothing_up() {
    let script = "head -c 300000 /dev/zero >&2; cat >/dev/null; echo '{\"unreadable\":\"it\"}'";
    let mut input = page();
    input.bytes = vec![b'x'; 1_000_000];
    let error = soon(child(script).extract(input)).await.unwrap_err();
    assert!(matches!(error, ExtractError::Unreadable(_)), "{error}");
}

#[tokio::test]
async fn a_child_that_does_not_answer_is_killed_at_the_deadline() {
    let mark = mark();
    let extractor =
        child(&format!("sleep {mark} & sleep {mark}")).deadline(Duration::from_millis(200));
    let error = soon(extractor.extract(page())).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the page was not read within 0.2 s; it may be made to keep readers busy"
    );
    until(&mark, 0).await;
}

#[tokio::test]
async fn dropping_the_future_kills_the_child_and_its_group() {
    let mark = mark();
    let extractor = child(&format!("sleep {mark} & sleep {mark}"));
    let mut asked = Box::pin(extractor.extract(page()));
    tokio::select! {
        _ = &mut asked => panic!("it says something"),
        () = until(&mark, 2) => {}
    }
    drop(asked);
    until(&mark, 0).await;
}

#[tokio::test]
async fn two_run_at_a_time_and_the_third_has_its_turn_after_one() {
    let mark = mark();
    let extractor = child(&format!("exec sleep {mark}"));
    let mut first = Box::pin(extractor.extract(page()));
    let clone = extractor.clone();
    let mut second = Box::pin(clone.extract(page()));
    let mut third = Box::pin(extractor.extract(page()));
    tokio::select! {
        _ = &mut first => panic!("it says something"),
        _ = &mut second => panic!("it says something"),
        () = until(&mark, 2) => {}
    }
    assert!(futures::poll!(&mut third).is_pending());
    assert_eq!(alive_with(&mark), 2);
    drop(first);
    tokio::select! {
        _ = &mut third => panic!("it says something"),
        _ = &mut second => panic!("it says something"),
        () = until(&mark, 2) => {}
    }
}

#[tokio::test]
async fn what_is_too_large_starts_nothing() {
    let mut input = page();
    input.bytes = vec![0; MAX_INPUT_BYTES + 1];
    let error = soon(Extractor::new("no-such-program".into()).extract(input))
        .await
        .unwrap_err();
    assert!(matches!(error, ExtractError::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_said_so() {
    let error = soon(Extractor::new("no-such-program".into()).extract(page()))
        .await
        .unwrap_err();
    assert!(matches!(error, ExtractError::NotStarted(_)), "{error}");
}
