//! Why there is no page.

use std::error::Error;
use std::io;
use std::time::Duration;

use url::Url;

use crate::features::browser::address::Refused;

/// Why there is no page, in words for whoever asked for it. It names hosts alone: the rest of an address may be a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum FetchError {
    /// An address that is not to be reached: the first one, or one that a redirect led to.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// More redirects than are followed.
    #[error("the page redirects more than {limit} times; it may lead back to itself")]
    Redirects {
        /// How many are followed.
        limit: usize,
    },
    /// A redirect to what is no address.
    #[error("{host} redirects to something that is no address")]
    Nowhere {
        /// Which one does.
        host: String,
    },
    /// Nothing came, or not all of it.
    #[error("{host} took longer than {} s; it may be slow or down, try again later", after.as_secs_f32())]
    TimedOut {
        /// The host that was asked for.
        host: String,
        /// How long it was given.
        after: Duration,
    },
    /// No connection.
    #[error("{host} cannot be connected to: {cause}")]
    Connect {
        /// The host.
        host: String,
        /// What the system says.
        cause: String,
    },
    /// No connection that can be trusted.
    #[error("no secure connection to {host}: {cause}; its certificate may be wrong")]
    Tls {
        /// The host.
        host: String,
        /// What is wrong with it.
        cause: String,
    },
    /// It broke off, or is no HTTP.
    #[error("the answer of {host} cannot be read: {cause}")]
    Broken {
        /// The host.
        host: String,
        /// What is wrong with it.
        cause: String,
    },
    /// Pictures, archives, programs and the like, which are not downloaded.
    #[error("it is {}, which is not read; pages, texts and PDFs are", kind(found))]
    Type {
        /// What it says to be; empty where it says nothing.
        found: String,
    },
    /// Packed in a way that was not asked for.
    #[error("the page is packed as `{found}`, which cannot be unpacked")]
    Packing {
        /// What it says to be packed as.
        found: String,
    },
}

impl FetchError {
    /// What kind of trouble it is, without the host: for the log.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Refused(_) => "its address is not reached",
            Self::Redirects { .. } | Self::Nowhere { .. } => "it redirects to nowhere",
            Self::TimedOut { .. } => "it took too long",
            Self::Connect { .. } => "no connection",
            Self::Tls { .. } => "no secure connection",
            Self::Broken { .. } => "its answer cannot be read",
            Self::Type { .. } => "a type that is not read",
            Self::Packing { .. } => "a packing that is not read",
        }
    }

    pub(super) fn timed_out(url: &Url, after: Duration) -> Self {
        let host = host(url);
        Self::TimedOut { host, after }
    }

    pub(super) fn broken(url: &Url, error: &(dyn Error + 'static)) -> Self {
        Self::Broken {
            host: host(url),
            cause: innermost(error),
        }
    }

    pub(super) fn http(url: &Url, connect: Duration, error: reqwest::Error) -> Self {
        let error = error.without_url();
        let (host, cause) = (host(url), innermost(&error));
        match () {
            () if error.is_timeout() => Self::timed_out(url, connect),
            () if !error.is_connect() => Self::Broken { host, cause },
            () if is_about_tls(&error) => Self::Tls { host, cause },
            () => Self::Connect { host, cause },
        }
    }
}

fn is_about_tls(error: &reqwest::Error) -> bool {
    causes(error).any(is_invalid_data)
}

/// While a connection is made, only what TLS makes of the other side's bytes is invalid data. One such error wraps another, and
/// does not name it as its source.
fn is_invalid_data(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| {
        let is_it = error.kind() == io::ErrorKind::InvalidData;
        is_it || error.get_ref().is_some_and(|inner| is_invalid_data(inner))
    })
}

/// The outer ones say only that something failed.
pub(in crate::features::browser) fn innermost(error: &(dyn Error + 'static)) -> String {
    causes(error)
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

fn kind(found: &str) -> &str {
    match found {
        "" => "of no type that it would say",
        found => found,
    }
}
