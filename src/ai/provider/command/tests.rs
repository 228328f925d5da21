use std::fs;
use std::future::Future;
use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use super::super::Provider;
use super::super::collect::collect;
use super::*;
use crate::ai::{Kind, ProviderSpec};

/// Far longer than anything here takes.
const DEADLINE: Duration = Duration::from_secs(20);

fn sh(script: &str) -> Vec<String> {
    ["sh", "-c", script].map(ToOwned::to_owned).to_vec()
}

fn hello() -> Map<String, Value> {
    let body = json!({ "messages": [
        { "role": "system", "content": "Be brief." },
        { "role": "user", "content": [{ "type": "text", "text": "Hello." }] },
    ]});
    body.as_object().unwrap().clone()
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future).await.expect("in time")
}

async fn refusal(command: &[String]) -> Refusal {
    match soon(stream(command, "m", &hello())).await {
        Ok(_) => panic!("it answers"),
        Err(refusal) => *refusal,
    }
}

async fn text_of(script: &str) -> (String, String) {
    let chunks = soon(stream(&sh(script), "m", &hello())).await.unwrap();
    let whole = soon(collect(chunks)).await.unwrap();
    let choice = &whole["choices"][0];
    let text = choice["message"]["content"].as_str().unwrap();
    let finish_reason = choice["finish_reason"].as_str().unwrap();
    (text.to_owned(), finish_reason.to_owned())
}

/// The processes that have this among their arguments and are not dead.
fn alive_with(mark: &str) -> usize {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let has_it = |path: std::path::PathBuf| {
        let arguments = fs::read(path.join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&arguments)
            .split('\0')
            .any(|argument| argument == mark)
    };
    processes.filter(|process| has_it(process.path())).count()
}

async fn until(mark: &str, count: usize) {
    let looked = async {
        while alive_with(mark) != count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let left = || format!("{} have {mark}, not {count}", alive_with(mark));
    timeout(DEADLINE, looked)
        .await
        .unwrap_or_else(|_| panic!("{}", left()));
}

/// A number of seconds that no other test sleeps.
fn mark() -> String {
    fastrand::u64(1_000_000_000..2_000_000_000).to_string()
}

#[tokio::test]
async fn the_conversation_is_read_and_what_is_written_is_the_answer() {
    let (text, finish_reason) = text_of("cat").await;
    assert_eq!(text, "system: Be brief.\n\nuser: Hello.\n\nassistant:");
    assert_eq!(finish_reason, "stop");
}

#[tokio::test]
async fn the_model_stands_in_the_arguments() {
    let command = ["echo", "--model={model}", "$HOME"].map(ToOwned::to_owned);
    let chunks = soon(stream(&command, "llama", &hello())).await.unwrap();
    let whole = soon(collect(chunks)).await.unwrap();
    let content = &whole["choices"][0]["message"]["content"];
    assert_eq!(content, "--model=llama $HOME", "and there is no shell");
}

#[tokio::test]
async fn text_comes_while_the_command_still_writes() {
    let script = "printf 'one gr\\303'; read -r line; printf '\\274n'; exec sleep 1000";
    let mut chunks = soon(stream(&sh(script), "m", &hello())).await.unwrap();
    let mut text = String::new();
    while text != "one grün" {
        let chunk = soon(chunks.next()).await.unwrap().unwrap();
        text += &chunk.text().unwrap_or_default();
    }
}

#[tokio::test]
async fn a_command_that_writes_before_it_reads_does_not_wait_for_ever() {
    let mut body = hello();
    let long = "x".repeat(300_000);
    body.insert("messages".to_owned(), json!([{ "content": long }]));
    let script = sh("head -c 300000 /dev/zero | tr '\\0' y; cat");
    let chunks = soon(stream(&script, "m", &body)).await.unwrap();
    let whole = soon(collect(chunks)).await.unwrap();
    let text = whole["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(text.len() > 600_000, "{}", text.len());
}

#[tokio::test]
async fn a_command_that_reads_nothing_answers_all_the_same() {
    assert_eq!(text_of("exec 0<&-; echo hello").await.0, "hello");
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let (text, finish_reason) = text_of("exec yes").await;
    assert_eq!(finish_reason, "length");
    assert!(
        (1_000_000..1_100_000).contains(&text.len()),
        "{}",
        text.len()
    );
}

#[tokio::test]
async fn a_failure_before_any_text_is_a_refusal() {
    let refused = refusal(&sh(
        "echo first >&2; printf 'no \\033[1mmodel\\n\\n' >&2; exit 3",
    ))
    .await;
    assert_eq!(refused.status, 502);
    let text = "the command `sh` failed: exit status: 3: no [1mmodel";
    assert_eq!(refused.message, text);
    let refused = refusal(&sh("kill -9 $$")).await;
    assert!(refused.message.contains("SIGKILL"), "{refused}");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let refused = refusal(&["no-such-program".to_owned()]).await;
    assert!(refused.message.contains("`no-such-program`"), "{refused}");
    assert!(refused.message.contains("install it"), "{refused}");
    assert_eq!(refused.code, Some("command_not_found".into()));
    assert_eq!(refusal(&[]).await.status, 500);
}

#[tokio::test]
async fn a_failure_after_some_text_breaks_the_answer() {
    let script = sh("echo half; echo broken >&2; exit 1");
    let chunks = soon(stream(&script, "m", &hello())).await.unwrap();
    let last = soon(chunks.collect::<Vec<_>>()).await.pop().unwrap();
    let how = "exit status: 1: broken".to_owned();
    assert_eq!(last, Err(Broken::Disconnected(how)));
}

#[tokio::test]
async fn a_dropped_answer_leaves_no_process() {
    let mark = mark();
    let script = sh(&format!(
        "sh -c 'sleep {mark} & sleep {mark}' & echo go; sleep {mark}"
    ));
    let mut chunks = soon(stream(&script, "m", &hello())).await.unwrap();
    while soon(chunks.next())
        .await
        .unwrap()
        .unwrap()
        .text()
        .as_deref()
        != Some("go")
    {}
    until(&mark, 3).await;
    drop(chunks);
    until(&mark, 0).await;
}

#[tokio::test]
async fn a_question_that_is_dropped_leaves_no_process() {
    let mark = mark();
    let script = sh(&format!("sleep {mark} & sleep {mark}"));
    let body = hello();
    let mut asked = Box::pin(stream(&script, "m", &body));
    tokio::select! {
        _ = &mut asked => panic!("it says something"),
        () = until(&mark, 2) => {}
    }
    drop(asked);
    until(&mark, 0).await;
}

#[tokio::test]
async fn what_a_command_leaves_behind_ends_with_it() {
    let mark = mark();
    let (text, _) = text_of(&format!("sleep {mark} & echo done")).await;
    assert_eq!(text, "done");
    until(&mark, 0).await;
}

#[tokio::test]
async fn what_left_the_group_is_listened_to_for_a_second_in_all() {
    // It ends by itself, a while later. The command ends once it has left.
    let outside = "echo; exec >&3; for i in $(seq 40); do echo more; sleep 0.2; done";
    let script = format!("exec 3>&1; {{ setsid sh -c '{outside}' & }} | read -r line; echo done");
    let (text, _) = text_of(&script).await;
    let count = text.matches("more").count();
    assert!((1..15).contains(&count), "{count}");
}

#[tokio::test]
async fn a_slow_reader_loses_nothing_of_what_a_command_has_said() {
    let script = sh("head -c 60000 /dev/zero | tr '\\0' y");
    let mut chunks = soon(stream(&script, "m", &hello())).await.unwrap();
    let mut length = 0;
    while let Some(chunk) = soon(chunks.next()).await {
        length += chunk.unwrap().text().map_or(0, |text| text.len());
        // Longer in all than the pipes are waited for.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(length, 60_000);
}

#[tokio::test]
async fn what_a_failed_command_says_is_shown_without_what_addresses_hide() {
    let refused = refusal(&sh("echo https://me:pass@host/v1?key=abc >&2; exit 1")).await;
    assert!(refused.message.ends_with(": https://host/v1"), "{refused}");
}

#[tokio::test]
async fn a_command_sees_little_of_the_environment() {
    // Set by cargo for every test.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    let (text, _) = text_of("echo ${CARGO_MANIFEST_DIR-none} ${PATH:+path}").await;
    assert_eq!(text, "none path");
}

#[tokio::test]
async fn a_whole_answer_has_a_deadline() {
    let mark = mark();
    let script = sh(&format!("echo go; sleep {mark}"));
    let mut spec = ProviderSpec::new("shell", Kind::Command { command: script });
    spec.timeouts.total = Duration::from_millis(300);
    let provider = Provider::new(spec).unwrap();
    let failure = soon(provider.complete("m", hello())).await.unwrap_err();
    assert_eq!(failure.refusal.status, 504);
    until(&mark, 0).await;
}
