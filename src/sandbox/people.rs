//! Scripted people, so that a first run has somebody to talk to.

use std::time::Duration;

use tokio::time::sleep;
use tracing::warn;

use super::chat::Kind;
use super::members::User;
use super::world::About;
use super::{Sandbox, Shared};
use crate::lifecycle::{Failure, Phase, Service, ServiceContext};

const TEA_ROOM: i64 = -1_001_000_000_001;

/// Who talks, where (0 for the private chat with the bot), and what they say, over and over.
const CAST: [(i64, &str, i64, &[&str]); 4] = [
    (
        1_001,
        "Ada",
        0,
        &["/start", "I am tired of slow bots", "/ping", "Thank you!"],
    ),
    (
        1_002,
        "Boris",
        0,
        &["/help", "/ping", "What time is it in Berlin?", "/ping"],
    ),
    (1_003, "Chen", 0, &["Good evening", "/ping", "/start"]),
    (
        1_004,
        "Dana",
        TEA_ROOM,
        &["/ping", "@sandbox_bot who takes milk?", "/ping@sandbox_bot"],
    ),
];

/// The service that makes them talk while the process runs.
pub struct People(Shared);

impl People {
    /// People in this sandbox's only world.
    #[must_use]
    pub fn new(sandbox: &Sandbox) -> Self {
        Self(sandbox.shared.clone())
    }
}

impl Service for People {
    async fn run(&mut self, cx: ServiceContext) -> Result<(), Failure> {
        cx.ready();
        tokio::select! {
            () = cx.draining() => return Ok(()),
            () = cx.handle().reached(Phase::Running) => {}
        }
        tokio::select! {
            () = self.talk() => {}
            // They fall silent when the bot begins to leave, and not when it has left.
            () = cx.handle().stop_requested() => {}
        }
        cx.draining().await;
        Ok(())
    }
}

impl People {
    async fn talk(&self) {
        if let Ok(world) = self.0.lock().of_bot(None) {
            world.group(TEA_ROOM, "Tea room", Kind::Supergroup);
        }
        for line in 0.. {
            for (id, name, place, script) in CAST {
                let person = User {
                    id,
                    is_bot: false,
                    first_name: name.to_owned(),
                    username: Some(name.to_ascii_lowercase()),
                    language_code: Some("en".to_owned()),
                };
                let chat_id = if place == 0 { id } else { place };
                let said = self.0.lock().of_bot(None).and_then(|world| {
                    world.say(
                        chat_id,
                        &person,
                        script[line % script.len()],
                        About::default(),
                    )
                });
                if let Err(error) = said {
                    warn!(
                        error = error.description,
                        "a person of the sandbox was not heard"
                    );
                }
                sleep(Duration::from_millis(fastrand::u64(300..900))).await;
            }
            sleep(Duration::from_millis(fastrand::u64(1_000..2_500))).await;
        }
    }
}
