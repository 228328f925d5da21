//! Pages that stay open from step to step.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use sundown::features::browser::chromium::{PageError, SessionSettings, Sessions, sessions};
use sundown::lifecycle::{ExitKind, Restart, RestartPolicy, ServiceSpec, Supervisor};

use super::site::Site;
use super::support::{Lab, browser};

const CHAT: i128 = 7;

pub(super) fn quick() -> SessionSettings {
    SessionSettings {
        settle_within: Duration::from_secs(2),
        ..SessionSettings::default()
    }
}

/// Runs the sessions' service while `user` takes steps, and stops it then.
pub(super) async fn with_sessions(
    lab: &Lab,
    settings: SessionSettings,
    user: impl AsyncFnOnce(Sessions),
) {
    let (host, steps) = sessions(lab.chromium.clone(), settings);
    let spec = ServiceSpec::new("pages").restart(RestartPolicy::new(Restart::Transient));
    let builder = Supervisor::builder("test")
        .signals(false)
        .service(spec, move || host.clone());
    let handle = builder.handle();
    let run = builder.run();
    let using = async {
        user(steps).await;
        handle.request_stop("seen enough");
    };
    let (report, ()) = tokio::join!(run, using);
    assert_eq!(report.exit_kind(), ExitKind::Clean, "{report}");
    lab.assert_nothing_is_left().await;
}

/// The number before what reads so.
pub(super) fn number(text: &str, what: &str) -> u32 {
    let before = text.split(what).next().unwrap();
    let number = before.rsplit('[').next().unwrap();
    number
        .trim()
        .parse()
        .unwrap_or_else(|_| panic!("no {what:?} in {text}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_filled_in_and_sent() {
    let Some(lab) = Lab::new("a_form_is_filled_in_and_sent", |_| {}) else {
        return;
    };
    let site = Site::start().await;
    with_sessions(&lab, quick(), async |steps| {
        let page = steps.open(CHAT, site.url("/form")).await.unwrap();
        assert_eq!((page.title.as_str(), page.status), ("Form", Some(200)));
        assert!(page.text.contains("# Names\nSay a name."), "{}", page.text);
        assert!(!page.text.contains("hidden"), "{}", page.text);
        let (name, place) = (
            number(&page.text, r#"field "Name"#),
            number(&page.text, "choice"),
        );
        steps.fill(CHAT, name, "Ada \"L\"", false).await.unwrap();
        let page = steps.fill(CHAT, place, "There", false).await.unwrap();
        let error = steps.click(CHAT, 99).await.unwrap_err();
        assert!(matches!(error, PageError::NoElement(99)), "{error}");
        let greet = number(&page.text, r#"button "Greet"#);
        let page = steps.click(CHAT, greet).await.unwrap();
        assert!(
            page.text.contains("Hello, Ada \"L\" from there"),
            "{}",
            page.text
        );
        let page = steps.scroll(CHAT, 1.0).await.unwrap();
        assert!(page.scrolled.0 > 0, "{:?}", page.scrolled);
        // It would open another page.
        let elsewhere = number(&page.text, r#"link "Elsewhere"#);
        let page = steps.click(CHAT, elsewhere).await.unwrap();
        assert_eq!(page.url, site.url("/late").as_str());
        assert!(steps.close(CHAT).await.unwrap());
        let error = steps.look(CHAT).await.unwrap_err();
        assert!(matches!(error, PageError::NothingOpen), "{error}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_freezes_ends_at_its_deadline_and_the_next_opens() {
    let Some(lab) = Lab::new("a_page_that_freezes", |_| {}) else {
        return;
    };
    let site = Site::start().await;
    let deadline = Duration::from_secs(12);
    let settings = SessionSettings {
        deadline,
        ..quick()
    };
    with_sessions(&lab, settings, async |steps| {
        let page = steps.open(CHAT, site.url("/freezes")).await.unwrap();
        let began = Instant::now();
        let freeze = number(&page.text, "button");
        let error = steps.click(CHAT, freeze).await.unwrap_err();
        assert!(matches!(error, PageError::TimedOut(_)), "{error}");
        assert!(began.elapsed() < deadline + Duration::from_secs(1));
        let page = steps.open(CHAT, site.url("/form")).await.unwrap();
        assert_eq!(page.title, "Form");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_dies_is_told_and_the_next_open_starts_another() {
    let Some(lab) = Lab::new("a_browser_that_dies", |_| {}) else {
        return;
    };
    let site = Site::start().await;
    with_sessions(&lab, quick(), async |steps| {
        steps.open(CHAT, site.url("/form")).await.unwrap();
        kill(browser(lab.scratch.path()), Signal::SIGKILL).unwrap();
        let error = steps.look(CHAT).await.unwrap_err();
        assert!(matches!(error, PageError::Died(_)), "{error}");
        steps.open(CHAT, site.url("/form")).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_idle_is_closed_and_there_are_never_too_many() {
    let Some(lab) = Lab::new("what_is_idle_is_closed", |_| {}) else {
        return;
    };
    let site = Site::start().await;
    let settings = SessionSettings {
        idle: Duration::from_secs(5),
        most: 1,
        ..quick()
    };
    with_sessions(&lab, settings, async |steps| {
        steps.open(CHAT, site.url("/late")).await.unwrap();
        let error = steps.open(CHAT + 1, site.url("/late")).await.unwrap_err();
        assert!(matches!(error, PageError::TooMany(1)), "{error}");
        lab.assert_nothing_is_left().await;
        steps.open(CHAT + 1, site.url("/late")).await.unwrap();
    })
    .await;
}
