//! What is answered to Chromium's requests.

use std::net::SocketAddr;
use std::sync::PoisonError;

use hyper::body::{Body as _, Incoming};
use hyper::header::{CONNECTION, HOST, HeaderMap, HeaderName};
use hyper::{Method, Request, Response, StatusCode};
use reqwest::Body;
use tokio::time::timeout;
use url::Url;

use super::Shared;
use super::connection::{Promised, Tunnel, dial};
use crate::features::browser::address::Refused;
use crate::features::browser::fetch::hop;

/// What is said from one end of a connection to the other, and not further (RFC 9110, 7.6.1).
const HOP_BY_HOP: [HeaderName; 7] = [
    HeaderName::from_static("keep-alive"),
    hyper::header::PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    hyper::header::TE,
    hyper::header::TRAILER,
    hyper::header::TRANSFER_ENCODING,
    hyper::header::UPGRADE,
];

/// Why there is no answer from the other side.
type Said = (StatusCode, String);

/// The answer of the other side, or why there is none. A refusal is 403, with the reason as its page.
pub(super) async fn answer(
    request: Request<Incoming>,
    shared: &Shared,
    promised: &Promised,
) -> Response<Body> {
    shared.count_request();
    let answered = match *request.method() {
        Method::CONNECT => connect(request, shared, promised).await,
        _ => forward(request, shared).await,
    };
    answered.unwrap_or_else(|(status, text)| {
        let mut response = Response::new(Body::from(text));
        *response.status_mut() = status;
        response
    })
}

async fn connect(
    request: Request<Incoming>,
    shared: &Shared,
    promised: &Promised,
) -> Result<Response<Body>, Said> {
    let authority = request.uri().authority().map(ToString::to_string);
    let url = authority.and_then(|authority| Url::parse(&format!("https://{authority}/")).ok());
    let url = url.ok_or_else(not_for_a_proxy)?;
    let connecting = async {
        let addresses = resolve(&url, shared).await?;
        let failed = |_| unreachable(&url, "cannot be connected to");
        dial(&addresses, shared).await.map_err(failed)
    };
    let server = in_time(&url, shared, connecting).await?;
    let tunnel = Tunnel {
        client: hyper::upgrade::on(request),
        server,
    };
    let mut promised = promised.lock().unwrap_or_else(PoisonError::into_inner);
    *promised = Some(tunnel);
    Ok(Response::new(Body::default()))
}

async fn forward(request: Request<Incoming>, shared: &Shared) -> Result<Response<Body>, Said> {
    let url = Url::parse(&request.uri().to_string());
    let url = url.ok().filter(Url::has_host);
    let url = url.filter(|url| url.scheme() == "http");
    let url = url.ok_or_else(not_for_a_proxy)?;
    let addresses = in_time(&url, shared, resolve(&url, shared)).await?;
    let failed = |_| unreachable(&url, "did not answer");
    let client = hop::client(&url, &addresses, shared.limits.connect).map_err(failed)?;
    let (mut parts, body) = request.into_parts();
    strip(&mut parts.headers);
    // The host that was checked is the one that is asked.
    parts.headers.remove(HOST);
    let body = match body.is_end_stream() {
        true => Body::default(),
        false => Body::wrap(body),
    };
    let request = Request::from_parts(parts, body)
        .try_into()
        .map_err(failed)?;
    let answer = client.execute(request).await.map_err(failed)?;
    let mut answer = Response::from(answer);
    strip(answer.headers_mut());
    Ok(answer)
}

async fn resolve(url: &Url, shared: &Shared) -> Result<Vec<SocketAddr>, Said> {
    let resolved = shared.guard.resolve(url).await;
    resolved.map_err(|refused| match refused {
        Refused::Unknown { .. } => (StatusCode::BAD_GATEWAY, refused.to_string()),
        refused => {
            let why = refused.to_string();
            shared.count_refusal(&why);
            (StatusCode::FORBIDDEN, why)
        }
    })
}

async fn in_time<T>(
    url: &Url,
    shared: &Shared,
    step: impl Future<Output = Result<T, Said>>,
) -> Result<T, Said> {
    let done = timeout(shared.limits.connect, step).await;
    done.unwrap_or_else(|_| Err(unreachable(url, "did not answer in time")))
}

/// A page that asks the proxy as if it were a site gets no further than this.
fn not_for_a_proxy() -> Said {
    let text = "this is a proxy: it takes CONNECT, and requests for http:// addresses".to_owned();
    (StatusCode::BAD_REQUEST, text)
}

fn unreachable(url: &Url, what: &str) -> Said {
    let host = url.host_str().unwrap_or_default();
    (StatusCode::BAD_GATEWAY, format!("{host} {what}"))
}

fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP).chain([&CONNECTION]) {
        headers.remove(name);
    }
}
