//! Who is asked after whom, and who is let alone.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::upstream::{Step, Upstream, error, frame, head, says, status, text, whole};
use super::{KEY, ai, ask, hasty, read, restless, spec};
use crate::ai::{Broken, Clock, Kind, ProviderSpec, Said, Talk, ToolLimits, Tools};

fn said(code: u16) -> Vec<Step> {
    error(code, "", json!({ "message": format!("said {code}") }))
}

#[tokio::test]
async fn another_provider_takes_over_until_the_first_visible_token() {
    let role = r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#;
    let unknown = json!({ "message": "no such model", "code": "model_not_found" });
    for script in [
        said(401),
        said(402),
        said(403),
        said(408),
        said(429),
        said(500),
        said(503),
        error(404, "", unknown),
        status(200, "content-type: text/html\r\n", "<html>"),
        vec![Step::Reset],
        vec![Step::Hold],
        vec![head(), Step::Hold],
        vec![head(), frame(role), Step::Hold],
        vec![head(), frame(role), frame(r#"{"error":{"message":"no"}}"#)],
        vec![head(), frame(role), frame("{")],
        vec![head(), frame(role)],
    ] {
        let first = Upstream::start([script.clone()]).await;
        let second = Upstream::start([says("hello")]).await;
        let ai = ai([hasty("first", &first), spec("second", &second)]);
        let mut answer = ai.stream(ask()).await.unwrap();
        assert_eq!(answer.provider(), "second", "{script:?}");
        assert_eq!(read(&mut answer).await, ("hello".to_owned(), None));
    }
}

#[tokio::test]
async fn a_whole_answer_falls_back_too() {
    let first = Upstream::start([said(500)]).await;
    let second = Upstream::start([whole("hello")]).await;
    let ai = ai([spec("first", &first), spec("second", &second)]);
    assert_eq!(ai.complete(ask()).await.unwrap().provider, "second");
}

#[tokio::test]
async fn nobody_takes_over_after_the_first_visible_token() {
    for script in [
        vec![head(), text("a")],
        vec![head(), text("a"), Step::Hold],
        vec![head(), text("a"), frame(r#"{"error":{"message":"no"}}"#)],
    ] {
        let first = Upstream::start([script]).await;
        let mut second = Upstream::start([says("b")]).await;
        let ai = ai([restless("first", &first), spec("second", &second)]);
        let mut answer = ai.stream(ask()).await.unwrap();
        let (text, broken) = read(&mut answer).await;
        assert_eq!(text, "a");
        assert!(broken.is_some());
        assert_eq!(second.requests(), 0);
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_request_asks_nobody_else() {
    for code in [400, 413, 422] {
        let first = Upstream::start([said(code)]).await;
        let mut second = Upstream::start([says("b")]).await;
        let ai = ai([spec("first", &first), spec("second", &second)]);
        let refusal = ai.stream(ask()).await.unwrap_err();
        assert_eq!(
            (refusal.status, refusal.message),
            (code, format!("said {code}"))
        );
        assert_eq!(second.requests(), 0);
    }
}

#[tokio::test]
async fn when_all_have_failed_each_is_quoted_and_no_wait_is_told_unless_all_tell_one() {
    let limited = |seconds: u64| error(429, &format!("retry-after: {seconds}\r\n"), Value::Null);
    let first = Upstream::start([limited(9)]).await;
    let second = Upstream::start([limited(5)]).await;
    let third = Upstream::start([said(500)]).await;
    let ai = ai([
        spec("first", &first),
        spec("second", &second),
        spec("third", &third),
    ]);
    let refusal = ai.stream(ask()).await.unwrap_err();
    assert_eq!((refusal.status, refusal.retry_after), (502, None));
    for part in ["`first`", "`second`", "`third`", "said 500"] {
        assert!(refusal.message.contains(part), "{refusal}");
    }
}

#[tokio::test]
async fn a_model_that_is_unknown_to_one_does_not_hide_that_another_fails_for_a_while() {
    let unknown = error(
        404,
        "",
        json!({ "message": "no", "code": "model_not_found" }),
    );
    let limited = |seconds: u64| error(429, &format!("retry-after: {seconds}\r\n"), Value::Null);
    let five = Some(Duration::from_secs(5));
    for (scripts, status, wait) in [
        ([said(500), unknown.clone()], 502, None),
        ([limited(5), unknown.clone()], 429, five),
        ([unknown.clone(), said(503)], 503, None),
        ([limited(9), limited(5)], 429, five),
        ([said(500), limited(5)], 429, five),
        ([unknown.clone(), unknown.clone()], 404, None),
    ] {
        let [first, second] = scripts;
        let first = Upstream::start([first]).await;
        let second = Upstream::start([second]).await;
        let ai = ai([spec("first", &first), spec("second", &second)]);
        let refusal = ai.stream(ask()).await.unwrap_err();
        assert_eq!((refusal.status, refusal.retry_after), (status, wait));
    }
    let first = Upstream::start([limited(900)]).await;
    let second = Upstream::start([unknown.clone(), unknown]).await;
    let ai = ai([spec("first", &first), spec("second", &second)]);
    ai.stream(ask()).await.unwrap_err();
    let refusal = ai.stream(ask()).await.unwrap_err();
    assert_eq!(refusal.status, 503);
    assert!(refusal.retry_after.is_some(), "{refusal}");
}

#[tokio::test]
async fn a_provider_that_is_named_twice_is_asked_once() {
    let mut first = Upstream::start(vec![said(500); 50]).await;
    let second = Upstream::start([says("a")]).await;
    let ai = ai([spec("first", &first), spec("second", &second)]);
    let mut asked = ask();
    asked.providers = vec!["first".to_owned(); 50];
    asked
        .providers
        .extend(["second", "first"].map(str::to_owned));
    assert_eq!(ai.stream(asked).await.unwrap().provider(), "second");
    assert_eq!(first.requests(), 1);
}

#[tokio::test]
async fn when_all_are_put_aside_nobody_is_asked_and_the_wait_is_told() {
    let limited = |seconds: u64| error(429, &format!("retry-after: {seconds}\r\n"), Value::Null);
    let mut first = Upstream::start([limited(900)]).await;
    let mut second = Upstream::start([limited(300)]).await;
    let ai = ai([spec("first", &first), spec("second", &second)]);
    ai.stream(ask()).await.unwrap_err();
    assert_eq!((first.requests(), second.requests()), (1, 1));
    let refusal = ai.complete(ask()).await.unwrap_err();
    assert_eq!(refusal.status, 503);
    let wait = refusal.retry_after.unwrap().as_secs();
    assert!((250..=300).contains(&wait), "{wait}");
    assert_eq!((first.requests(), second.requests()), (0, 0));
}

#[tokio::test]
async fn a_provider_that_fails_three_times_is_let_alone_also_where_it_breaks_off_mid_stream() {
    for script in [said(500), vec![head(), text("a")], vec![]] {
        let mut upstream = Upstream::start(vec![script; 4]).await;
        let ai = ai([spec("up", &upstream)]);
        for _ in 0..3 {
            if let Ok(mut answer) = ai.stream(ask()).await {
                assert_eq!(read(&mut answer).await.1, Some(Broken::Truncated));
            }
        }
        assert_eq!(upstream.requests(), 3);
        assert_eq!(ai.stream(ask()).await.unwrap_err().status, 503);
        assert_eq!(upstream.requests(), 0);
    }
}

#[tokio::test]
async fn refusals_of_requests_and_unknown_models_put_nobody_aside() {
    let unknown = error(
        404,
        "",
        json!({ "message": "no such model", "code": "model_not_found" }),
    );
    let scripts = [vec![said(400); 4], vec![unknown; 4], vec![says("a")]].concat();
    let upstream = Upstream::start(scripts).await;
    let ai = ai([spec("up", &upstream)]);
    for _ in 0..8 {
        ai.stream(ask()).await.unwrap_err();
    }
    assert_eq!(read(&mut ai.stream(ask()).await.unwrap()).await.0, "a");
}

#[tokio::test]
async fn who_cannot_be_reached_is_passed_over() {
    let gone = Upstream::start([]).await;
    let kind = Kind::OpenAi {
        base_url: gone.base_url(),
        key: None,
    };
    drop(gone);
    let second = Upstream::start([says("a")]).await;
    let alone = ai([ProviderSpec::new("gone", kind.clone())]);
    assert_eq!(alone.stream(ask()).await.unwrap_err().status, 502);
    let both = ai([ProviderSpec::new("gone", kind), spec("second", &second)]);
    assert_eq!(both.stream(ask()).await.unwrap().provider(), "second");
}

#[tokio::test]
async fn debug_shows_no_key() {
    let upstream = Upstream::start([]).await;
    let shown = format!("{:?}", ai([spec("up", &upstream)]));
    assert!(shown.contains("up") && !shown.contains(KEY), "{shown}");
}

/// Four questions: none of its refusals puts it aside.
#[tokio::test]
async fn a_provider_that_takes_no_tools_is_asked_without() {
    for (code, message) in [
        (400, "registry.example/tea does not support tools"),
        (404, "No endpoints found that support tool use"),
        (500, "tools param requires --jinja flag"),
    ] {
        let refusal = error(code, "", json!({ "message": message }));
        let scripts = (0..4).flat_map(|_| [refusal.clone(), says("hello")]);
        let mut upstream = Upstream::start(scripts).await;
        let ai = ai([spec("up", &upstream)]);
        for _ in 0..4 {
            let tools = Tools::new(vec![Arc::new(Clock)], ToolLimits::default());
            let mut talk = Talk::begin(&ai, ask(), tools, Talk::ROUNDS).await.unwrap();
            let said = talk.next().await.unwrap().unwrap();
            assert_eq!(said, Said::Text("hello".to_owned()));
            while talk.next().await.is_some() {}
            let (_, with) = upstream.asked().await;
            let (_, without) = upstream.asked().await;
            assert!(with["tools"].is_array(), "{code}");
            assert!(without.get("tools").is_none(), "{code}");
        }
    }
}
