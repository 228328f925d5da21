//! The HTTP listener with what is mounted on it, beside the bots.

use std::net::SocketAddr;

use tracing::info;

use super::ai::Parts;
use super::polling::Polling;
use super::program::Refused;
use crate::features::gateway::{Gateway, check_exposure};
use crate::http::{Http, Limits};
use crate::lifecycle::{ExitKind, Restart, RestartPolicy, ServiceSpec};

/// A listener that has its address.
pub(super) struct Serving {
    http: Http,
    gateway: Option<Gateway>,
}

impl Serving {
    /// Takes the address, where one is configured.
    pub(super) fn at(address: Option<SocketAddr>, parts: &Parts) -> Result<Option<Self>, Refused> {
        let Some(address) = address else {
            return Ok(None);
        };
        if let Some(settings) = &parts.gateway {
            check_exposure(address, &settings.keys).map_err(|text| Refused {
                kind: ExitKind::Config,
                text,
            })?;
        }
        let mut http = Http::bind(address).map_err(|error| Refused {
            kind: ExitKind::Unavailable,
            text: format!(
                "cannot listen on {address}: {error}; choose another address with --listen"
            ),
        })?;
        let settings = parts.gateway.clone();
        let gateway = settings.map(|settings| Gateway::new(parts.ai.clone(), settings));
        if let (Some(gateway), Some(settings)) = (&gateway, &parts.gateway) {
            let routes = gateway.router(http.drain());
            // Who is one too many is told so, and health answers beside those who are answered.
            let usual = Limits::default();
            let connections = usual.connections + settings.concurrent;
            http = http.mount(routes).limits(Limits {
                connections,
                ..usual
            });
        }
        info!(
            url = format!("http://{}", http.address()),
            gateway = gateway.is_some(),
            keys = parts.gateway.as_ref().map(|settings| settings.keys.len()),
            "HTTP is served here: /health, and with the gateway OpenAI's API under /v1"
        );
        Ok(Some(Self { http, gateway }))
    }

    /// The listener is among what stops first, with as much time for what runs as the lanes have. Whoever keeps what was spent
    /// starts before it and stops after it.
    pub(super) fn beside<E>(self, polling: Polling<E>) -> Polling<E> {
        let Self { http, gateway } = self;
        let polling = polling.beside_the_pollers(move |supervisor| {
            supervisor.beside(http_service(), move || http.clone())
        });
        // Where there are no keys, nothing is counted.
        let Some(gateway) = gateway.filter(Gateway::has_keys) else {
            return polling;
        };
        polling.before_the_lanes(move |supervisor, store| {
            supervisor.service("gateway", move || gateway.keeper(store()))
        })
    }
}

/// A failure of its own ends its requests, and then it is there again.
fn http_service() -> ServiceSpec {
    let policy = RestartPolicy::new(Restart::Transient);
    ServiceSpec::new("http").weight(8).restart(policy)
}
