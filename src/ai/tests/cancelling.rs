//! Whoever hangs up here hangs up there, and takes a place from nobody.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures::poll;
use tokio::select;

use super::upstream::{Step, Upstream, error, head, says, text};
use super::{ai, ask, read, spec};

/// Drives the work until the upstream was asked, and drops it.
async fn drop_when_asked(work: impl Future, upstream: &mut Upstream) {
    select! {
        _ = work => panic!("answered"),
        _ = upstream.asked() => {}
    }
}

#[tokio::test]
async fn dropped_before_the_headers_the_upstream_is_hung_up_on() {
    let mut upstream = Upstream::start([vec![Step::Hold]]).await;
    let ai = ai([spec("up", &upstream)]);
    drop_when_asked(ai.stream(ask()), &mut upstream).await;
    upstream.hung_up().await;
}

#[tokio::test]
async fn dropped_before_the_first_token_the_upstream_is_hung_up_on() {
    // More than all buffers between the two hold: when it is sent, the head has been read.
    let comments = Step::Send(": wait\n\n".repeat(4 * 1024 * 1024).into_bytes());
    let script = vec![head(), comments, Step::Report, Step::Hold];
    let mut upstream = Upstream::start([script]).await;
    let ai = ai([spec("up", &upstream)]);
    let is_read = async {
        upstream.asked().await;
        upstream.reported().await;
    };
    select! {
        _ = ai.stream(ask()) => panic!("answered"),
        () = is_read => {}
    }
    upstream.hung_up().await;
}

#[tokio::test]
async fn dropped_mid_stream_the_upstream_is_hung_up_on() {
    let mut upstream = Upstream::start([vec![head(), text("a"), Step::Hold]]).await;
    let mut answer = ai([spec("up", &upstream)]).stream(ask()).await.unwrap();
    answer.next().await.unwrap().unwrap();
    upstream.asked().await;
    drop(answer);
    upstream.hung_up().await;
}

#[tokio::test]
async fn dropped_without_a_stream_the_upstream_is_hung_up_on() {
    let mut upstream = Upstream::start([vec![Step::Hold]]).await;
    let ai = ai([spec("up", &upstream)]);
    drop_when_asked(ai.complete(ask()), &mut upstream).await;
    upstream.hung_up().await;
}

#[tokio::test]
async fn a_dropped_wait_for_a_chunk_loses_none() {
    let upstream = Upstream::start([says("a")]).await;
    let mut answer = ai([spec("up", &upstream)]).stream(ask()).await.unwrap();
    let mut all = String::new();
    loop {
        // Polled once, and dropped; then waited for.
        if let std::task::Poll::Ready(next) = poll!(pin!(answer.next())) {
            match next {
                Some(chunk) => all += &chunk.unwrap().text().unwrap_or_default(),
                None => break,
            }
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(all, "a");
}

#[tokio::test]
async fn a_probe_that_is_given_up_leaves_the_way_to_the_next() {
    let limited = error(429, "retry-after: 0\r\n", "later".into());
    let mut upstream = Upstream::start([limited, vec![Step::Hold], says("back")]).await;
    let ai = ai([spec("up", &upstream)]);
    ai.stream(ask()).await.unwrap_err();
    upstream.asked().await;
    drop_when_asked(ai.stream(ask()), &mut upstream).await;
    let mut answer = ai.stream(ask()).await.unwrap();
    assert_eq!(read(&mut answer).await.0, "back");
}

#[tokio::test]
async fn hanging_up_is_no_fault_of_the_provider() {
    let stalled = vec![head(), text("a"), Step::Hold];
    let upstream = Upstream::start(vec![stalled; 5]).await;
    let ai = ai([spec("up", &upstream)]);
    for _ in 0..5 {
        drop(ai.stream(ask()).await.unwrap());
    }
}

#[tokio::test]
async fn one_waits_for_the_other_and_the_wait_counts_for_nothing() {
    let mut upstream = Upstream::start([vec![head(), text("a"), Step::Hold], says("b")]).await;
    let mut spec = spec("up", &upstream);
    spec.timeouts.first_token = Duration::from_secs(1);
    spec.concurrency = Some(1);
    let ai = ai([spec.clone()]);
    let first = ai.stream(ask()).await.unwrap();
    upstream.asked().await;
    let mut second = pin!(ai.stream(ask()));
    // Longer than its first token may take.
    let wait = tokio::time::timeout(
        spec.timeouts.first_token + Duration::from_millis(50),
        &mut second,
    );
    assert!(wait.await.is_err(), "two at the same time");
    assert_eq!(upstream.requests(), 0);
    drop(first);
    assert_eq!(read(&mut second.await.unwrap()).await.0, "b");
}

#[test]
fn asking_can_be_done_on_any_thread() {
    fn is_send<T: Send>(_: T) {}
    let ai = super::super::Ai::new(Vec::new()).unwrap();
    is_send(ai.stream(ask()));
    is_send(ai.complete(ask()));
}
