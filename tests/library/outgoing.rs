//! Limits on what handlers send, against the real server.

use std::time::Duration;

use serde_json::{Value, json};
use sundown::lifecycle::{ExitKind, Handle, Phase, Report};
use sundown::telegram::outgoing::{Limits, Outgoing, Rate};
use teloxide::prelude::*;
use tokio::time::{Instant, sleep, timeout};

use super::support::server;

const LONG: Duration = Duration::from_secs(60);
const BUDGET: Duration = Duration::from_secs(20);

/// A server and whoever writes there, and a bot that answers everything in the same chat.
struct Course {
    url: String,
    bot: Bot,
    outgoing: Outgoing,
    handle: Handle,
}

impl Course {
    async fn control(&self, call: &str, body: Value) {
        let url = format!("{}/control/{call}", self.url);
        let answer = reqwest::Client::new().post(url).json(&body);
        let answer: Value = answer.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["ok"], json!(true), "{answer}");
    }

    async fn look(&self, call: &str) -> Value {
        let answer = reqwest::get(format!("{}/control/{call}", self.url));
        let mut answer: Value = answer.await.unwrap().json().await.unwrap();
        answer["result"].take()
    }

    async fn say(&self, person: i64) {
        let user = json!({ "id": person, "first_name": "Ada" });
        self.control("message", json!({ "user": user, "text": "hello" }))
            .await;
    }

    /// The next message to this chat is answered 429.
    async fn refuse(&self, chat: i64, retry_after: u64) {
        let fault = json!({
            "method": "sendMessage", "chat_id": chat,
            "fault": "status", "code": 429, "retry_after": retry_after,
        });
        self.control("fault", fault).await;
    }

    /// How many messages the bot has in this chat.
    async fn answers(&self, chat: i64) -> usize {
        let messages = self.look(&format!("messages?chat_id={chat}")).await;
        let of_bot = |message: &&Value| message["from"]["is_bot"] == json!(true);
        messages.as_array().unwrap().iter().filter(of_bot).count()
    }

    /// Waits until the server has been asked to send so many messages, refused ones included.
    async fn asked(&self, count: u64) {
        let asked = async {
            while self.look("state").await["calls"]["sendmessage"] != json!(count) {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(LONG, asked).await.unwrap();
    }

    /// Waits until so many handlers run.
    async fn running(&self, count: usize) {
        let running = async {
            while self.handlers() != count {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(LONG, running).await.unwrap();
    }

    fn handlers(&self) -> usize {
        let said = self.handle.dump().said;
        let works = said.iter().filter_map(|said| said.work.as_ref());
        works.map(|work| work.running).sum()
    }

    async fn answered(&self, chat: i64, count: usize) {
        let answered = async {
            while self.answers(chat).await != count {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(LONG, answered).await.unwrap();
    }
}

/// Runs a bot that answers each message in chat 1, or where it came from, while `course` goes on; that ends with a stop.
async fn run<T>(
    limits: Limits,
    (in_first_chat, budget): (bool, Duration),
    course: impl AsyncFnOnce(&Course) -> T,
    afterwards: impl AsyncFnOnce(&Course),
) -> (Report, T) {
    let dir = tempfile::tempdir().unwrap();
    let (server, url, token) = server();
    let server_handle = server.handle();
    let bot = Bot::new(&token).set_api_url(url.parse().unwrap());
    let outgoing = Outgoing::new(limits);
    let handler = Update::filter_message().endpoint(
        move |bot: Bot, outgoing: Outgoing, message: Message| async move {
            let chat = if in_first_chat {
                ChatId(1)
            } else {
                message.chat.id
            };
            outgoing.send(bot.send_message(chat, "Hello!")).await?;
            respond(())
        },
    );
    let mut handle = None;
    let polling = sundown::polling(bot.clone(), handler)
        .state_dir(dir.path())
        .dependencies(dptree::deps![outgoing.clone()])
        .supervised(|builder| {
            handle = Some(builder.handle());
            builder.signals(false).stop_timeout(budget)
        });
    let handle = handle.unwrap();
    let all = async {
        server_handle.reached(Phase::Running).await;
        let world = Course {
            url,
            bot,
            outgoing,
            handle,
        };
        let course = async {
            world.handle.reached(Phase::Running).await;
            let result = course(&world).await;
            world.handle.request_stop("seen enough");
            result
        };
        let (report, result) = tokio::join!(polling.run(), course);
        afterwards(&world).await;
        server_handle.request_stop("seen enough");
        (report, result)
    };
    tokio::join!(server.run(), all).1
}

#[tokio::test]
async fn a_429_on_one_chat_holds_up_no_other() {
    let (report, ()) = run(
        Limits::default(),
        (false, BUDGET),
        async |course| {
            course.refuse(1, 3).await;
            course.say(1).await;
            course.asked(1).await;
            course.say(2).await;
            course.answered(2, 1).await;
            assert_eq!(course.answers(1).await, 0);
            course.answered(1, 1).await;
            course.asked(3).await;
        },
        async |_| (),
    )
    .await;
    assert_eq!(report.exit_kind(), ExitKind::Clean, "{report}");
    assert_eq!(report.fact("handled"), 2, "{report}");
}

#[tokio::test]
async fn a_handler_that_waits_for_its_turn_is_finished_by_a_stop() {
    let (report, ()) = run(
        Limits::default(),
        (false, BUDGET),
        async |course| {
            course.refuse(1, 2).await;
            course.say(1).await;
            course.asked(1).await;
            assert_eq!(course.handlers(), 1);
        },
        async |course| assert_eq!(course.answers(1).await, 1),
    )
    .await;
    assert_eq!(report.exit_kind(), ExitKind::Clean, "{report}");
    assert_eq!(
        (report.fact("handled"), report.fact("left")),
        (1, 0),
        "{report}"
    );
}

#[tokio::test]
async fn a_handler_that_is_cut_off_while_it_waits_leaves_nothing_behind() {
    let limits = Limits {
        chat: Rate::new(1, Duration::from_secs(5)),
        ..Limits::default()
    };
    let (report, ()) = run(
        limits,
        (true, Duration::from_secs(1)),
        async |course| {
            course.say(1).await;
            course.answered(1, 1).await;
            // One waits for the chat's pace, and the other one behind it.
            course.say(2).await;
            course.say(3).await;
            course.running(2).await;
        },
        async |course| {
            assert_eq!(course.answers(1).await, 1);
            // Before the slot that the two waited for was free, they were gone.
            let next = course.bot.send_message(ChatId(1), "Hello again!");
            let next = timeout(LONG, course.outgoing.send(next)).await;
            next.unwrap().unwrap();
            assert_eq!(course.answers(1).await, 2);
        },
    )
    .await;
    assert_eq!(report.exit_kind(), ExitKind::Unfinished, "{report}");
    assert_eq!(
        (report.fact("handled"), report.fact("left")),
        (1, 2),
        "{report}"
    );
}

#[tokio::test]
async fn limits_on_a_chat_and_on_the_bot_are_kept() {
    let half = Duration::from_millis(500);
    for in_first_chat in [true, false] {
        let limits = Limits {
            overall: Rate::new(3, half),
            chat: Rate::new(if in_first_chat { 2 } else { 9 }, half),
            ..Limits::default()
        };
        let (report, took) = run(
            limits,
            (in_first_chat, BUDGET),
            async |course| {
                // The person of the first chat comes first: nobody can write to whoever has never written.
                let began = Instant::now();
                for person in 1..=7 {
                    course.say(person).await;
                }
                course.asked(7).await;
                began.elapsed()
            },
            async |_| (),
        )
        .await;
        assert_eq!(report.exit_kind(), ExitKind::Clean, "{report}");
        // Seven are four pairs, or three and three and one.
        let spans = if in_first_chat { 3 } else { 2 };
        assert!(took >= half * spans, "seven messages took {took:?}");
    }
}
