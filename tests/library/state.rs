//! What teloxide handlers keep, and their timers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use sundown::bot::{State, Timer, UpdateHandler};
use sundown::lanes::LanesConfig;
use sundown::lifecycle::{ExitKind, Phase, Report};
use sundown::store::sqlite::Sqlite;
use sundown::store::{Engine, Key, LaneKey};
use teloxide::dispatching::UpdateFilterExt;
use teloxide::prelude::*;
use tokio::sync::Barrier;

use super::support::server;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A bot's run on what people have said, in a directory of its own.
struct Course {
    dir: tempfile::TempDir,
    timers: Option<UpdateHandler<Error>>,
    bot: String,
}

impl Course {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            timers: None,
            bot: String::new(),
        }
    }

    /// Until nothing has come for a while. Each person's messages are one chat's.
    async fn run(&mut self, said: &[(i64, &str)], handler: UpdateHandler<Error>) -> Report {
        let (server, url, token) = server();
        let server_handle = server.handle();
        self.bot = token.split(':').next().unwrap().to_owned();
        let bot = Bot::new(&token).set_api_url(url.parse().unwrap());
        let mut polling = sundown::polling(bot, handler)
            .state_dir(self.dir.path())
            .lanes(LanesConfig {
                until_idle: Some(Duration::from_millis(300)),
                ..LanesConfig::default()
            })
            .supervised(|builder| builder.signals(false));
        if let Some(timers) = self.timers.take() {
            polling = polling.on_timer(timers);
        }
        let course = async {
            server_handle.reached(Phase::Running).await;
            for (person, text) in said {
                let message =
                    json!({ "user": { "id": person, "first_name": "Ada" }, "text": text });
                let says = reqwest::Client::new().post(format!("{url}/control/message"));
                let status = says.json(&message).send().await.unwrap().status();
                assert!(status.is_success());
            }
            let report = polling.run().await;
            server_handle.request_stop("seen enough");
            report
        };
        let (_, report) = tokio::join!(server.run(), course);
        assert_eq!(report.exit_kind(), ExitKind::Clean, "{report}");
        report
    }

    /// What is kept at the end.
    async fn kept(&self, name: &str) -> Option<String> {
        let store = Sqlite::open(self.dir.path()).unwrap();
        let key = Key::new(format!("{}/{name}", self.bot)).unwrap();
        let document = store.read(&key).await.unwrap();
        document.map(|document| document.body.to_string())
    }
}

fn on_message<F, Fut>(handle: F) -> UpdateHandler<Error>
where
    F: Fn(String, State) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<(), Error>> + Send + 'static,
{
    Update::filter_message().endpoint(move |message: Message, state: State| {
        handle(message.text().unwrap_or_default().to_owned(), state)
    })
}

#[tokio::test]
async fn the_next_handler_of_a_chat_sees_what_the_one_before_has_kept() {
    let mut course = Course::new();
    let said = [(1, "a"), (1, "b"), (1, "c"), (1, "d")];
    let runs = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&runs);
    let handler = on_message(move |text, state| {
        *counted.lock().unwrap() += 1;
        async move {
            let before: String = state.get("all").await?.unwrap_or_default();
            state.put("all", &format!("{before}{text}"))?;
            let mine: Option<String> = state.get("all").await?;
            assert_eq!(mine, Some(before + &text), "its own change");
            Ok(())
        }
    });
    course.run(&said, handler).await;
    assert_eq!(course.kept("all").await.unwrap(), "\"abcd\"");
    assert_eq!(*runs.lock().unwrap(), 4, "none had to run again");
}

#[tokio::test]
async fn handlers_that_change_one_document_at_once_run_again_and_lose_no_change() {
    let mut course = Course::new();
    // Two chats, whose handlers have both read before either writes.
    let both = Arc::new(Barrier::new(2));
    let first_runs = Arc::new(Mutex::new(vec!["a", "b"]));
    let handler = on_message(move |text, state| {
        let both = Arc::clone(&both);
        let is_first_run = {
            let mut left = first_runs.lock().unwrap();
            let before = left.len();
            left.retain(|of| *of != text);
            left.len() < before
        };
        async move {
            let mut all: Vec<String> = state.get("all").await?.unwrap_or_default();
            if is_first_run {
                both.wait().await;
            }
            all.push(text);
            all.sort();
            state.put("all", &all)?;
            Ok(())
        }
    });
    let report = course.run(&[(1, "a"), (2, "b")], handler).await;
    assert_eq!(course.kept("all").await.unwrap(), r#"["a","b"]"#);
    assert_eq!(report.fact("handled"), 2, "{report}");
}

#[tokio::test]
async fn a_handler_that_fails_keeps_nothing_and_sets_no_timer() {
    let mut course = Course::new();
    let handler = on_message(|_, state| async move {
        state.put("all", "x")?;
        state.set_timer("t", Duration::ZERO, "x")?;
        Err("no tea".into())
    });
    let report = course.run(&[(1, "a")], handler).await;
    assert_eq!(course.kept("all").await, None);
    assert_eq!((report.fact("failed"), report.fact("parked")), (1, 1));
}

#[tokio::test]
async fn documents_are_deleted_and_found_by_the_beginning_of_their_names() {
    let mut course = Course::new();
    let handler = on_message(|text, state| async move {
        match text.as_str() {
            "write" => ["a/1", "a/2", "b/1"]
                .into_iter()
                .try_for_each(|name| state.put(name, name))?,
            "delete" => state.delete("a/1")?,
            _ => {
                let found: Vec<(String, String)> = state.scan("a/", None, 9).await?;
                state.put("found", &found)?;
                assert!(state.put("", &0).is_err(), "no name");
                assert!(state.get::<u8>("a/2").await.is_err(), "no number");
            }
        }
        Ok(())
    });
    let said = [(1, "write"), (1, "delete"), (1, "look")];
    let report = course.run(&said, handler).await;
    assert_eq!(report.fact("handled"), 3, "{report}");
    assert_eq!(course.kept("found").await.unwrap(), r#"[["a/2","a/2"]]"#);
}

#[tokio::test]
async fn a_timer_is_handled_with_what_it_was_set_with() {
    let mut course = Course::new();
    let handler = on_message(|text, state| async move {
        state.set_timer(&format!("tea/{text}"), Duration::from_millis(20), &text)?;
        state.set_timer("never", Duration::from_millis(20), "x")?;
        state.cancel_timer("never")?;
        Ok(())
    });
    course.timers = Some(dptree::endpoint(
        async |timer: Timer, state: State| -> Result<(), Error> {
            let mut rung: Vec<(String, String)> = state.get("rung").await?.unwrap_or_default();
            rung.push((timer.name().to_owned(), timer.body()?));
            Ok(state.put("rung", &rung)?)
        },
    ));
    let report = course.run(&[(1, "green")], handler).await;
    assert_eq!(report.fact("handled"), 2, "{report}");
    let rung = course.kept("rung").await.unwrap();
    assert_eq!(rung, r#"[["tea/green","green"]]"#);
}

#[tokio::test]
async fn work_that_is_handed_to_another_lane_is_done_there_in_order_with_the_rest() {
    let mut course = Course::new();
    // Two chats hand over at once, to a lane in which no two handlers may meet.
    let handler = on_message(|text, state| async move {
        let there = state.in_lane(LaneKey::named("kitchen"));
        for n in 0..20 {
            there.set_timer(&format!("{text}/{n}"), Duration::ZERO, &text)?;
        }
        Ok(())
    });
    let running = Arc::new(Mutex::new(false));
    course.timers = Some(dptree::endpoint(move |state: State| {
        let running = Arc::clone(&running);
        async move {
            let alone = running
                .try_lock()
                .is_ok_and(|mut busy| !std::mem::replace(&mut *busy, true));
            tokio::task::yield_now().await;
            *running.lock().unwrap() = false;
            let count: u64 = state.get("count").await?.unwrap_or(0);
            state.put("count", &(count + 1))?;
            if alone {
                Ok(())
            } else {
                Err("not alone".into())
            }
        }
    }));
    let report = course.run(&[(1, "tea"), (2, "milk")], handler).await;
    assert_eq!(
        (report.fact("handled"), report.fact("failed")),
        (42, 0),
        "{report}"
    );
    assert_eq!(course.kept("count").await.unwrap(), "40");
}

#[tokio::test]
async fn a_timer_that_nobody_handles_is_parked() {
    let mut course = Course::new();
    let handler = on_message(|_, state| async move {
        state.set_timer("t", Duration::ZERO, "x")?;
        Ok(())
    });
    let report = course.run(&[(1, "a")], handler).await;
    assert_eq!((report.fact("handled"), report.fact("parked")), (1, 1));
}
