//! What these tests have in common: a Bot API server under a supervisor of its own.

use std::net::Ipv4Addr;

use sundown::lifecycle::{Builder, Supervisor};
use sundown::sandbox::Sandbox;

/// A server that is not running yet, its address, and the token of a bot that it knows.
pub(crate) fn server() -> (Builder, String, String) {
    let (sandbox, token) = Sandbox::with_bot((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let url = sandbox.url();
    let server = Supervisor::builder("server")
        .signals(false)
        .service("sandbox", move || sandbox.clone());
    (server, url, token)
}
