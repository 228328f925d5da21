//! A server that is told too much.

use nix::sys::signal::Signal;
use serde_json::json;

use super::model::drip;
use super::talk::Talk;

const ADA: i64 = 71;

#[tokio::test]
async fn with_every_third_edit_refused_the_final_text_is_the_models_and_edits_keep_their_spacing() {
    let talk = Talk::new("").await;
    let _bot = talk.bot();
    let refused = json!({
        "fault": "status", "method": "editMessageText", "code": 429, "retry_after": 1, "every": 3, "times": 1000,
    });
    talk.server.fault(refused).await;
    talk.server.say(ADA, "drip 150 60").await;
    talk.hears_only(ADA, &[&drip(150)]).await;
    let edits = talk.edits(ADA).await;
    assert!(edits.len() >= 5, "{edits:?}");
    // The first one makes the place.
    let times: Vec<_> = edits[1..].iter().map(|edit| edit.0).collect();
    let gaps: Vec<_> = times.windows(2).map(|two| two[1] - two[0]).collect();
    // What the server sees may be a little later than what was sent.
    assert!(gaps.iter().all(|gap| *gap >= 1_150), "{gaps:?}");
}

#[tokio::test]
async fn a_flood_that_outlasts_a_handler_and_a_restart_only_delay_an_answer() {
    let mut talk = Talk::new("").await;
    talk.options = &["--handler-timeout", "10s"];
    let bot = talk.bot();
    let flood = json!({
        "fault": "status", "method": "editMessageText", "code": 429, "retry_after": 30, "times": 1,
    });
    talk.server.fault(flood).await;
    talk.server.say(ADA, "say at last").await;
    bot.wait_for("it is sent later");
    bot.signal(Signal::SIGTERM);
    bot.end().assert_code(0);
    assert_eq!(talk.said(ADA).await, ["…"]);
    let _bot = talk.bot();
    let until = tokio::time::Instant::now() + std::time::Duration::from_secs(90);
    while talk.said(ADA).await != ["at last"] {
        assert!(tokio::time::Instant::now() < until, "it is lost");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await; // between two looks at a condition
    }
    assert_eq!(talk.model.asked().len(), 1, "the model was asked once");
}

#[tokio::test]
async fn a_server_in_trouble_gets_the_answer_when_it_is_well() {
    let talk = Talk::new("").await;
    let _bot = talk.bot();
    let trouble =
        json!({ "fault": "status", "method": "editMessageText", "code": 502, "times": 2 });
    talk.server.fault(trouble).await;
    talk.server.say(ADA, "say at last").await;
    talk.hears_only(ADA, &["at last"]).await;
}

#[tokio::test]
async fn a_server_in_trouble_when_the_place_is_made_loses_no_question() {
    for times in [1, 4] {
        let talk = Talk::new("").await;
        let _bot = talk.bot();
        let trouble = json!({
            "fault": "status", "method": "sendMessage", "code": 502, "times": times,
        });
        talk.server.fault(trouble).await;
        talk.server.say(ADA, "say at last").await;
        talk.hears_only(ADA, &["at last"]).await;
    }
}

#[tokio::test]
async fn what_the_server_has_taken_and_told_oddly_is_not_said_twice() {
    let talk = Talk::new("").await;
    let _bot = talk.bot();
    let odd = json!({
        "fault": "body", "method": "sendMessage", "text": "{\"ok\":true,\"result\":{\"odd\":1}}",
    });
    talk.server.fault(odd).await;
    talk.server.say(ADA, "/new").await;
    // Longer than until another try.
    talk.server.say(ADA, "drip 30 100").await;
    talk.hears_only(ADA, &[&drip(30)]).await;
}
