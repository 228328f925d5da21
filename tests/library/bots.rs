//! Several bots in one process: each its own poller, handlers and lanes, and none of them the others' undoing.

use std::fmt::Debug;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sundown::Polling;
use sundown::lifecycle::{
    ExitKind, Handle, Phase, Report, ServiceReport, ServiceState, Snapshot, StopReason, Supervisor,
};
use sundown::sandbox::Sandbox;
use sundown::store::sqlite::Sqlite;
use sundown::store::{BotId, Cursor, Engine, LaneKey, RawBatch, RawUpdate, Scope, UpdateId};
use sundown::telegram::PollerConfig;
use teloxide::prelude::*;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

const FIRST: &str = "111:first";
const SECOND: &str = "222:second";

/// A server with two bots, under a supervisor of its own.
struct Server {
    url: String,
    handle: Handle,
    task: tokio::task::JoinHandle<Report>,
    http: reqwest::Client,
}

impl Server {
    async fn start() -> Self {
        Self::start_at(0).await
    }

    async fn start_at(port: u16) -> Self {
        let sandbox = Sandbox::open((Ipv4Addr::LOCALHOST, port).into()).unwrap();
        let url = sandbox.url();
        let server = Supervisor::builder("server")
            .signals(false)
            .service("sandbox", move || sandbox.clone());
        let (handle, http) = (server.handle(), reqwest::Client::new());
        #[allow(
            clippy::disallowed_methods,
            reason = "a server that outlives the bots of a test"
        )]
        let task = tokio::spawn(server.run());
        handle.reached(Phase::Running).await;
        let server = Self {
            url,
            handle,
            task,
            http,
        };
        for token in [FIRST, SECOND] {
            server.post("bot", json!({ "token": token })).await;
        }
        server
    }

    async fn end(self) {
        self.handle.request_stop("seen enough");
        self.task.await.unwrap();
    }

    fn bot(&self, token: &str) -> Bot {
        Bot::new(token).set_api_url(self.url.parse().unwrap())
    }

    async fn post(&self, call: &str, body: Value) {
        let url = format!("{}/control/{call}", self.url);
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["ok"], json!(true), "{call} {body}: {answer}");
    }

    /// Person 7 writes to a bot.
    async fn say(&self, token: &str, text: &str) {
        let user = json!({ "id": 7, "first_name": "Ada" });
        let message = json!({ "bot": number(token), "user": user, "text": text });
        self.post("message", message).await;
    }

    async fn refuse(&self, token: &str) {
        let fault = json!({ "bot": number(token), "method": "getMe", "fault": "status", "code": 401, "times": 99 });
        self.post("fault", fault).await;
    }

    /// What a bot has said to person 7, once that is so many things.
    async fn answers(&self, token: &str, count: usize) -> Vec<String> {
        let bot = number(token);
        let url = format!("{}/control/messages?chat_id=7&bot={bot}", self.url);
        let give_up = Instant::now() + Duration::from_secs(30);
        loop {
            let answer: Value = self
                .http
                .get(&url)
                .send()
                .await
                .unwrap()
                .json()
                .await
                .unwrap();
            let messages = answer["result"].as_array().into_iter().flatten();
            let from_bot = messages.filter(|message| message["from"]["is_bot"] == json!(true));
            let texts = from_bot.filter_map(|message| message["text"].as_str());
            let texts: Vec<String> = texts.map(str::to_owned).collect();
            if texts.len() >= count {
                return texts;
            }
            assert!(Instant::now() < give_up, "bot {bot} said {texts:?} only");
            sleep(Duration::from_millis(10)).await; // between two looks at a condition
        }
    }
}

fn number(token: &str) -> i64 {
    token.split_once(':').unwrap().0.parse().unwrap()
}

type Tree = sundown::bot::UpdateHandler<teloxide::RequestError>;

/// Repeats what it hears, behind its name.
fn echo(name: &'static str) -> Tree {
    Update::filter_message().endpoint(move |bot: Bot, message: Message| async move {
        let text = format!("{name}: {}", message.text().unwrap_or_default());
        bot.send_message(message.chat.id, text).await?;
        Ok(())
    })
}

/// Runs bots beside a course of events, and stops them after it.
async fn run<E: Debug + Send + Sync + 'static>(
    polling: Polling<E>,
    course: impl AsyncFnOnce(&Handle),
) -> Report {
    let mut handle = None;
    let polling = polling.supervised(|builder| {
        handle = Some(builder.handle());
        builder.signals(false)
    });
    let handle = handle.unwrap();
    let course = async {
        course(&handle).await;
        handle.request_stop("seen enough");
    };
    let (report, ()) = tokio::join!(polling.run(), course);
    report
}

fn service<'a>(report: &'a Report, name: &str) -> &'a ServiceReport {
    let found = report.services.iter().find(|service| service.name == name);
    found.unwrap_or_else(|| panic!("no {name} in {report}"))
}

#[tokio::test]
async fn each_bot_answers_with_its_own_handler_and_dependencies() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    // Its errors are of another type than the first one's.
    let second =
        Update::filter_message().endpoint(async |bot: Bot, message: Message, name: Arc<String>| {
            let answer = bot.send_message(message.chat.id, name.as_str()).await;
            answer.map(drop).map_err(|_| std::fmt::Error)
        });
    let polling = sundown::polling(server.bot(FIRST), echo("first"))
        .and(server.bot(SECOND), second)
        .dependencies(dptree::deps![Arc::new("I am the second".to_owned())])
        .state_dir(dir.path());
    let report = run(polling, async |_| {
        server.say(FIRST, "hello").await;
        server.say(SECOND, "hello").await;
        assert_eq!(server.answers(FIRST, 1).await, ["first: hello"]);
        assert_eq!(server.answers(SECOND, 1).await, ["I am the second"]);
    })
    .await;
    assert_eq!(report.exit_kind(), ExitKind::Clean, "{report}");
    for poller in ["poller-111", "poller-222"] {
        assert_eq!(
            service(&report, poller).facts,
            [("received", 1)],
            "{report}"
        );
    }
    server.end().await;
}

#[tokio::test]
async fn a_chat_that_is_stuck_at_one_bot_is_not_at_the_other() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    let free = Arc::new(Semaphore::new(0));
    let stuck = Update::filter_message().endpoint(
        async |bot: Bot, message: Message, free: Arc<Semaphore>| {
            drop(free.acquire().await);
            bot.send_message(message.chat.id, "at last").await?;
            respond(())
        },
    );
    let polling = sundown::polling(server.bot(FIRST), stuck)
        .dependencies(dptree::deps![Arc::clone(&free)])
        .and(server.bot(SECOND), echo("second"))
        .state_dir(dir.path());
    let report = run(polling, async |_| {
        server.say(FIRST, "hello").await;
        for text in ["one", "two"] {
            server.say(SECOND, text).await;
        }
        let answers = server.answers(SECOND, 2).await;
        assert_eq!(answers, ["second: one", "second: two"]);
        assert_eq!(server.answers(FIRST, 0).await, [""; 0]);
        free.add_permits(1);
        server.answers(FIRST, 1).await;
    })
    .await;
    assert_eq!(report.exit_kind(), ExitKind::Clean, "{report}");
    server.end().await;
}

#[tokio::test]
async fn a_refused_token_leaves_the_other_bot_working_and_is_in_the_report() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    server.refuse(FIRST).await;
    let polling = sundown::polling(server.bot(FIRST), echo("first"))
        .and(server.bot(SECOND), echo("second"))
        .state_dir(dir.path());
    let report = run(polling, async |handle| {
        handle.reached(Phase::Running).await;
        server.say(SECOND, "hello").await;
        assert_eq!(server.answers(SECOND, 1).await, ["second: hello"]);
    })
    .await;
    assert_eq!(report.exit_kind(), ExitKind::Clean, "{report}");
    let (name, error) = report.first_error().expect("the refusal");
    assert_eq!(name, "poller-111");
    assert!(error.contains("Telegram refused the token"), "{error}");
    assert_eq!(service(&report, "poller-111").restarts, 0);
    server.end().await;
}

#[tokio::test]
async fn where_every_token_is_refused_the_start_fails_with_78() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    server.refuse(FIRST).await;
    server.refuse(SECOND).await;
    let report = sundown::polling(server.bot(FIRST), echo("first"))
        .and(server.bot(SECOND), echo("second"))
        .state_dir(dir.path())
        .supervised(|builder| builder.signals(false))
        .run()
        .await;
    assert_eq!(report.exit_kind(), ExitKind::Config, "{report}");
    assert!(matches!(&report.reasons[..], [StopReason::StartFailed(_)]));
    server.end().await;
}

#[tokio::test]
async fn a_server_that_is_down_holds_up_its_own_bot_alone_and_only_until_it_is_back() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let down = format!("http://127.0.0.1:{port}").parse().unwrap();
    let polling = sundown::polling(Bot::new(FIRST).set_api_url(down), echo("first"))
        .poller(PollerConfig {
            start_patience: Duration::from_millis(200),
            ..PollerConfig::default()
        })
        .and(server.bot(SECOND), echo("second"))
        .state_dir(dir.path());
    let report = run(polling, async |handle| {
        server.say(SECOND, "hello").await;
        assert_eq!(server.answers(SECOND, 1).await, ["second: hello"]);
        handle.reached(Phase::Running).await;
        let back = Server::start_at(port).await;
        back.say(FIRST, "hello").await;
        assert_eq!(back.answers(FIRST, 1).await, ["first: hello"]);
        back.end().await;
    })
    .await;
    assert_eq!(report.exit_kind(), ExitKind::Clean, "{report}");
    assert!(service(&report, "poller-111").restarts > 0, "{report}");
    server.end().await;
}

#[tokio::test]
async fn a_restart_on_request_during_an_outage_is_tried_until_the_server_is_back() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    let polling = sundown::polling(server.bot(FIRST), echo("first"))
        .poller(PollerConfig {
            start_patience: Duration::from_millis(1),
            // Of what waits at the start; what comes while the poller is down is none of it.
            drop_kinds: vec!["message".to_owned()],
            ..PollerConfig::default()
        })
        .state_dir(dir.path());
    let report = run(polling, async |handle| {
        handle.reached(Phase::Running).await;
        server.say(FIRST, "before").await;
        server.answers(FIRST, 1).await;
        let away = json!({ "bot": number(FIRST), "method": "getMe", "fault": "status", "code": 502, "times": 1 });
        server.post("fault", away).await;
        handle.request_restart("poller").await.unwrap();
        let is_down = |now: &Snapshot| restarts_of(now, "poller") == (1, ServiceState::Backoff);
        handle.watch().wait_for(is_down).await.unwrap();
        server.say(FIRST, "meanwhile").await;
        let answers = server.answers(FIRST, 2).await;
        assert_eq!(answers, ["first: before", "first: meanwhile"]);
    })
    .await;
    assert_eq!(report.exit_kind(), ExitKind::Clean, "{report}");
    let poller = service(&report, "poller");
    assert_eq!((poller.restarts, report.fact("received")), (2, 2));
    server.end().await;
}

fn restarts_of(snapshot: &Snapshot, name: &str) -> (u32, ServiceState) {
    let mut services = snapshot.services.iter();
    let found = services.find(|service| service.name == name).unwrap();
    (found.restarts, found.state)
}

#[tokio::test]
async fn after_a_restart_each_bot_goes_on_at_its_own_offset() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    for (token, next) in [(FIRST, 100), (SECOND, 900_000)] {
        let ids = json!({ "bot": number(token), "next": next });
        server.post("ids", ids).await;
    }
    for round in 1..=2 {
        let text = format!("round {round}");
        let polling = sundown::polling(server.bot(FIRST), echo("first"))
            .and(server.bot(SECOND), echo("second"))
            .state_dir(dir.path());
        for token in [FIRST, SECOND] {
            server.say(token, &text).await;
        }
        let report = run(polling, async |_| {
            server.answers(FIRST, round).await;
            server.answers(SECOND, round).await;
        })
        .await;
        for poller in ["poller-111", "poller-222"] {
            assert_eq!(
                service(&report, poller).facts,
                [("received", 1)],
                "{report}"
            );
        }
    }
    let store = Sqlite::open(dir.path()).unwrap();
    let offsets = async |token| {
        let lease = store.acquire(Scope::Poll(BotId(number(token)))).await;
        store.cursor(&lease.unwrap()).await.unwrap().next_offset
    };
    assert_eq!(
        (offsets(FIRST).await, offsets(SECOND).await),
        (102, 900_002)
    );
    server.end().await;
}

#[tokio::test]
async fn two_tokens_of_one_bot_are_refused_with_78() {
    let dir = tempfile::tempdir().unwrap();
    let report = sundown::polling(Bot::new(FIRST), echo("first"))
        .and(Bot::new("111:another"), echo("again"))
        .state_dir(dir.path())
        .supervised(|builder| builder.signals(false))
        .run()
        .await;
    assert_eq!(report.exit_kind(), ExitKind::Config, "{report}");
    let (_, error) = report.first_error().unwrap();
    assert!(error.contains("two of the tokens are bot 111's"), "{error}");
}

#[tokio::test]
async fn updates_of_a_bot_that_is_not_among_them_are_refused_with_78() {
    let dir = tempfile::tempdir().unwrap();
    let store = Sqlite::open(dir.path()).unwrap();
    for bot in [111, 333] {
        let lease = store.acquire(Scope::Poll(BotId(bot))).await.unwrap();
        let update = RawUpdate {
            id: UpdateId(1),
            lane: LaneKey(1),
            body: "{}".into(),
        };
        let batch = RawBatch {
            updates: vec![update],
            cursor: Cursor::default(),
        };
        store.append(&lease, batch).await.unwrap();
    }
    store.close().await.unwrap();
    drop(store);
    let report = sundown::polling(Bot::new(FIRST), echo("first"))
        .and(Bot::new(SECOND), echo("second"))
        .state_dir(dir.path())
        .supervised(|builder| builder.signals(false))
        .run()
        .await;
    assert_eq!(report.exit_kind(), ExitKind::Config, "{report}");
    let (_, error) = report.first_error().unwrap();
    assert!(
        error.contains("updates of bot 333") && error.contains("the bots 111, 222"),
        "{error}"
    );
}
