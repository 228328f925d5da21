//! Who is let in: by key, and where there are no keys by where a request comes from.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::{ConditionallySelectable, ConstantTimeEq};

use super::Shared;
use super::error::Problem;
use super::settings::GatewayKey;

/// Whether an address may be listened on with these keys: one that other machines can reach needs at least one.
///
/// # Errors
/// What is to be done about it, for the operator.
pub fn check_exposure(address: SocketAddr, keys: &[GatewayKey]) -> Result<(), String> {
    if address.ip().to_canonical().is_loopback() || !keys.is_empty() {
        return Ok(());
    }
    Err(format!(
        "the gateway would answer everybody who can reach {address}, at your providers' cost; \
         give it a key ([[gateway.key]] with a name and a key_file), or listen on 127.0.0.1:{}",
        address.port()
    ))
}

/// Whoever asks: the place of their key among those that are let in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller(pub(super) Option<usize>);

/// Lets in who has a key, or everybody where there is none.
pub(super) async fn only_with_a_key(
    State(shared): State<Shared>,
    mut request: Request,
    next: Next,
) -> Response {
    let keys = &shared.settings().keys;
    let caller = if keys.is_empty() {
        None
    } else {
        match whose(request.headers(), keys) {
            Ok(place) => Some(place),
            Err(problem) => return problem.into_response(),
        }
    };
    request.extensions_mut().insert(Caller(caller));
    next.run(request).await
}

fn whose(headers: &HeaderMap, keys: &[GatewayKey]) -> Result<usize, Problem> {
    let refused = |text: &str| {
        let problem = Problem::new(401, "invalid_request_error", text);
        problem.code("invalid_api_key").finally()
    };
    let sent = sent(headers).ok_or_else(|| {
        refused("no API key was sent; send yours in the header Authorization: Bearer KEY")
    })?;
    let mut found = u64::MAX;
    // All of them, in a time that does not tell which one it was, nor how much of it was right. That its length is another
    // key's is no secret.
    for (place, key) in (0_u64..).zip(keys) {
        let is_it = sent.ct_eq(key.secret.expose().as_bytes());
        found.conditional_assign(&place, is_it);
    }
    let place = usize::try_from(found).ok();
    place.filter(|place| *place < keys.len()).ok_or_else(|| {
        refused("the API key that was sent is none of those that are let in; ask this service's operator for one")
    })
}

/// The key as OpenAI's clients send it, or as Anthropic's do.
fn sent(headers: &HeaderMap) -> Option<&[u8]> {
    let bearer = || {
        let value = headers.get(header::AUTHORIZATION)?.as_bytes();
        let (scheme, key) = value.split_at_checked(7)?;
        scheme
            .eq_ignore_ascii_case(b"bearer ")
            .then(|| key.trim_ascii())
    };
    let plain = || Some(headers.get("x-api-key")?.as_bytes());
    bearer().or_else(plain).filter(|key| !key.is_empty())
}

/// Where nobody needs a key, pages in a browser on this machine must not get in: not by a request of their own, and not by a
/// name of theirs that suddenly means this machine.
pub(super) async fn not_from_a_page(
    State(shared): State<Shared>,
    request: Request,
    next: Next,
) -> Response {
    if !shared.settings().keys.is_empty() {
        return next.run(request).await;
    }
    let refused = |text| Problem::new(403, "invalid_request_error", text).into_response();
    if request.headers().contains_key(header::ORIGIN) {
        return refused(
            "without a key, no page in a browser is let in; configure a [[gateway.key]], and ask without the header Origin",
        );
    }
    let host = request.headers().get(header::HOST);
    let host = host.map(|host| host.to_str().unwrap_or_default());
    if [host, request.uri().authority().map(|it| it.as_str())]
        .into_iter()
        .flatten()
        .any(|host| !is_local(host))
    {
        return refused(
            "without a key, this is only for localhost, 127.0.0.1 and [::1]; configure a [[gateway.key]] to be asked by other names",
        );
    }
    next.run(request).await
}

/// Whether a host, with or without a port, is this machine's own name for itself.
fn is_local(host: &str) -> bool {
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let name = match host.rsplit_once(':') {
        Some((name, port)) if is_port(port) && !name.is_empty() => name,
        _ => host,
    };
    let bare = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    bare.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ai::Secret;

    fn key(name: &str, secret: &str) -> GatewayKey {
        GatewayKey {
            name: name.to_owned(),
            secret: Secret::new(secret),
            tokens_per_day: None,
            requests_per_minute: None,
        }
    }

    #[test]
    fn an_address_that_others_can_reach_needs_a_key() {
        for open in [
            "127.0.0.1:80",
            "127.9.9.9:80",
            "[::1]:80",
            "[::ffff:127.0.0.1]:80",
        ] {
            assert_eq!(check_exposure(open.parse().unwrap(), &[]), Ok(()), "{open}");
        }
        for exposed in [
            "0.0.0.0:8080",
            "[::]:80",
            "192.168.1.7:80",
            "[::ffff:10.0.0.1]:80",
        ] {
            let address = exposed.parse().unwrap();
            let text = check_exposure(address, &[]).unwrap_err();
            assert!(text.contains("gateway.key"), "{text}");
            assert_eq!(check_exposure(address, &[key("a", "b")]), Ok(()));
        }
    }

    #[test]
    fn a_key_is_found_wherever_it_stands_among_the_others() {
        let keys = [key("a", "one"), key("b", "two"), key("c", "three")];
        let whose = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            whose(&headers, &keys).map_err(|problem| problem.status())
        };
        assert_eq!(whose("authorization", "Bearer one"), Ok(0));
        assert_eq!(whose("authorization", "bearer two"), Ok(1));
        assert_eq!(whose("x-api-key", "three"), Ok(2));
        for wrong in [
            "Bearer thre",
            "Bearer threee",
            "Bearer ",
            "Bearer",
            "Basic one",
            "one",
        ] {
            assert_eq!(whose("authorization", wrong), Err(401), "{wrong}");
        }
    }

    #[test]
    fn only_names_of_this_machine_are_local() {
        for local in [
            "localhost",
            "LOCALHOST:80",
            "127.0.0.1:1",
            "127.0.0.2",
            "[::1]",
            "[::1]:8080",
        ] {
            assert!(is_local(local), "{local}");
        }
        for foreign in [
            "",
            "evil.example",
            "localhost.evil.example:80",
            "10.0.0.1",
            "127.0.0.1.evil.example",
            "[::2]:80",
            "localhost:x",
        ] {
            assert!(!is_local(foreign), "{foreign}");
        }
    }
}
