//! A Bot API server on loopback: for a first run without a token, for tests, and for bots in any language.
//!
//! It speaks the real protocol over real HTTP and follows the rules of the public server where they decide whether
//! updates are lost: what an offset confirms, which of two pollers wins, how long a call is held; and where they
//! decide what a bot may do in a group: rights, bans and restrictions that end, whom it may write to. Everything lives
//! in memory and is gone with the process.
//!
//! ```text
//!  a bot ──── /bot<TOKEN>/<method> ──→ faults ──→ arguments ──→ methods ──┐
//!                                                                         ▼
//!  tests ──── /control/…  ────────────────────────────────────────────→ world (people, chats, messages, queue)
//!  people (scripted) ─────────────────────────────────────────────────────┘
//!  a browser  /  ──→ chat page ──→ /control/…
//! ```
//!
//! Sources of the rules: the documentation (<https://core.telegram.org/bots/api>) and the public server
//! (<https://github.com/tdlib/telegram-bot-api>).
//!
//! A world has a clock of its own, which tests move on. A ban or a restriction ends when somebody looks and its
//! time is over; like the public server, this one sends no update then.
//!
//! Not done here: anything that no feature of this project's uses; media beyond photos and documents; Markdown; channels; topics, but for their number in messages;
//! limits on how often a bot may call, unless a fault says so.

mod access;
mod answer;
mod args;
mod chat;
mod clock;
mod control;
mod faults;
mod grants;
mod html;
mod marks;
mod members;
mod methods;
mod people;
mod photo;
mod polling;
mod queue;
mod server;
#[cfg(test)]
mod tests;
mod world;
mod worlds;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::lifecycle::{Failure, Service, ServiceContext};
pub use people::People;
use worlds::{Tokens, Worlds};

/// The number of a sandbox's own bot: always the same, so that a state directory can be used again.
const BOT: i64 = 7_000_000_001;

/// A Bot API server that is bound and can be run as a service.
#[derive(Clone)]
pub struct Sandbox {
    listener: Arc<Mutex<Option<TcpListener>>>,
    address: SocketAddr,
    shared: Shared,
}

/// Every bot's world, for whoever serves a request.
#[derive(Clone)]
struct Shared(Arc<Mutex<Worlds>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Worlds> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sandbox {
    /// Binds a server that accepts every well-formed token; each token is a bot in a world of its own.
    ///
    /// # Errors
    /// Where the address cannot be bound.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        Self::bind(address, Tokens::Any)
    }

    /// Binds a server with one bot, and returns that bot's new token.
    ///
    /// # Errors
    /// Where the address cannot be bound.
    pub fn with_bot(address: SocketAddr) -> io::Result<(Self, String)> {
        let secret: String = (0..35).map(|_| fastrand::alphanumeric()).collect();
        let token = format!("{BOT}:{secret}");
        let sandbox = Self::bind(address, Tokens::Only(vec![token.clone()]))?;
        Ok((sandbox, token))
    }

    fn bind(address: SocketAddr, tokens: Tokens) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(Self {
            address: listener.local_addr()?,
            listener: Arc::new(Mutex::new(Some(listener))),
            shared: Shared(Arc::new(Mutex::new(Worlds::new(tokens)))),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base of every call, as a bot's configuration wants it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Service for Sandbox {
    async fn run(&mut self, cx: ServiceContext) -> Result<(), Failure> {
        let bound = self
            .listener
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let listener = match bound {
            Some(listener) => listener,
            // The first run has closed it.
            None => TcpListener::bind(self.address).and_then(|listener| {
                listener.set_nonblocking(true)?;
                Ok(listener)
            })?,
        };
        let listener = tokio::net::TcpListener::from_std(listener)?;
        cx.status(format!("serving on {}", self.url()));
        cx.ready();
        let router = server::router(self.shared.clone());
        // Its clients are bots that stop first; whoever still holds a poll open is cut off.
        tokio::select! {
            served = axum::serve(listener, router).into_future() => served?,
            () = cx.draining() => {}
        }
        Ok(())
    }
}
