//! Values with a range: read from text and from a file by the same rules.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;
use serde::de::{self, Deserializer, IntoDeserializer, Visitor};
use teloxide::types::AllowedUpdate;

/// A length of time from `MIN_MS` to `MAX_MS` milliseconds, written like `30s`, `1h 30m` or `500ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span<const MIN_MS: u64, const MAX_MS: u64>(Duration);

impl<const MIN_MS: u64, const MAX_MS: u64> Span<MIN_MS, MAX_MS> {
    /// The time itself.
    #[must_use]
    pub(crate) fn get(self) -> Duration {
        self.0
    }
}

impl<const MIN_MS: u64, const MAX_MS: u64> FromStr for Span<MIN_MS, MAX_MS> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let time = humantime::parse_duration(text).map_err(|error| {
            format!("`{text}` is no duration ({error}); write it like 30s, 5min or 1h 30m")
        })?;
        let (min, max) = (Duration::from_millis(MIN_MS), Duration::from_millis(MAX_MS));
        if time < min || time > max {
            let [time, min, max] = [time, min, max].map(humantime::format_duration);
            return Err(format!(
                "`{text}` is {time}; it must be from {min} to {max}"
            ));
        }
        Ok(Self(time))
    }
}

impl<'de, const MIN_MS: u64, const MAX_MS: u64> Deserialize<'de> for Span<MIN_MS, MAX_MS> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, "a duration in quotes, like \"30s\"")
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> Count<MIN, MAX> {
    /// The number itself.
    #[must_use]
    pub(crate) fn get(self) -> u64 {
        self.0
    }

    fn checked(number: u64) -> Result<Self, String> {
        if (MIN..=MAX).contains(&number) {
            return Ok(Self(number));
        }
        Err(match MAX {
            u64::MAX => format!("{number} is too small; it must be {MIN} or more"),
            _ => format!("{number} is out of range; it must be from {MIN} to {MAX}"),
        })
    }
}

impl<const MIN: u64, const MAX: u64> FromStr for Count<MIN, MAX> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text
            .parse()
            .map_err(|_| format!("`{text}` is no whole number of 0 or more"))?;
        Self::checked(number)
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Count<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = i64::deserialize(deserializer)?;
        let number = u64::try_from(number).map_err(|_| {
            de::Error::custom(format!("{number} is below 0; it must be {MIN} or more"))
        })?;
        Self::checked(number).map_err(de::Error::custom)
    }
}

/// Kinds of updates by the Bot API's names, written like `callback_query, inline_query`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kinds(Vec<AllowedUpdate>);

impl Kinds {
    /// The kinds.
    #[must_use]
    pub(crate) fn get(self) -> Vec<AllowedUpdate> {
        self.0
    }
}

impl FromStr for Kinds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = text.split(',').map(str::trim);
        let kinds = names.map(|name| {
            AllowedUpdate::deserialize(name.into_deserializer()).map_err(|_: de::value::Error| {
                format!(
                    "`{name}` is no kind of update; they are named as in the Bot API and parted by commas, like callback_query, inline_query"
                )
            })
        });
        kinds.collect::<Result<_, _>>().map(Self)
    }
}

impl<'de> Deserialize<'de> for Kinds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(
            deserializer,
            "kinds of updates in quotes, like \"callback_query, inline_query\"",
        )
    }
}

/// Address of a Bot API server; a path is kept, so a server behind a proxy can be named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiUrl(Url);

impl ApiUrl {
    /// The address.
    #[must_use]
    pub(crate) fn get(&self) -> &Url {
        &self.0
    }

    /// Whether the token would cross a network unencrypted.
    #[must_use]
    pub(crate) fn is_exposed(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        let is_local = address.map_or(host == "localhost", |address| address.is_loopback());
        self.0.scheme() == "http" && !is_local
    }
}

impl Default for ApiUrl {
    fn default() -> Self {
        Self(Url::parse("https://api.telegram.org").expect("a constant"))
    }
}

impl FromStr for ApiUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = Url::parse(text.trim_end_matches('/')).map_err(|error| {
            format!("this is no URL ({error}); write it like https://api.telegram.org")
        })?;
        match url.scheme() {
            // Not repeated in the error: people paste whole URLs with the token in them.
            "http" | "https" if holds_token(&url) => Err(
                "the address ends before /bot: leave the token and what follows it away".to_owned(),
            ),
            "http" | "https" => Ok(Self(url)),
            scheme => Err(format!("the scheme is {scheme}; it must be http or https")),
        }
    }
}

/// Whether the path goes on to `/bot<number>:`, as that of a call does.
fn holds_token(url: &Url) -> bool {
    let segments = url
        .path()
        .split('/')
        .filter_map(|segment| segment.strip_prefix("bot"));
    segments
        .into_iter()
        .any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

impl<'de> Deserialize<'de> for ApiUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(
            deserializer,
            "a URL in quotes, like \"https://api.telegram.org\"",
        )
    }
}

/// Where connections are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listen(SocketAddr);

impl Listen {
    /// The address.
    #[must_use]
    pub(crate) fn get(self) -> SocketAddr {
        self.0
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let address = text.parse().map_err(|_| {
            format!(
                "`{text}` is no address with a port; write it like 127.0.0.1:1337 or [::1]:1337"
            )
        })?;
        Ok(Self(address))
    }
}

impl<'de> Deserialize<'de> for Listen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(
            deserializer,
            "an address in quotes, like \"127.0.0.1:1337\"",
        )
    }
}

/// One file or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "OneOrMany")]
pub(crate) struct Paths(Vec<PathBuf>);

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "it must be a path in quotes, or a list of paths, like [\"/etc/sundown/shop\", \"/etc/sundown/help\"]"
)]
enum OneOrMany {
    One(PathBuf),
    Many(Vec<PathBuf>),
}

impl Paths {
    /// None where there are none.
    pub(crate) fn new(paths: Vec<PathBuf>) -> Option<Self> {
        (!paths.is_empty()).then_some(Self(paths))
    }

    pub(crate) fn get(self) -> Vec<PathBuf> {
        self.0
    }
}

impl TryFrom<OneOrMany> for Paths {
    type Error = &'static str;

    fn try_from(paths: OneOrMany) -> Result<Self, &'static str> {
        let paths = match paths {
            OneOrMany::One(path) => vec![path],
            OneOrMany::Many(paths) => paths,
        };
        Self::new(paths).ok_or("the list is empty; leave the key away where no file is meant")
    }
}

/// Form of the log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people; with colours where standard error is a terminal.
    #[default]
    Auto,
    /// For people, with colours.
    Pretty,
    /// One JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "pretty" => Ok(Self::Pretty),
            "json" => Ok(Self::Json),
            _ => Err(format!(
                "`{text}` is no log format; choose auto, pretty or json"
            )),
        }
    }
}

impl<'de> Deserialize<'de> for LogFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, "\"auto\", \"pretty\" or \"json\"")
    }
}

/// Reads a value that has a rule for text.
pub(super) fn from_text<'de, D, T>(deserializer: D, expected: &'static str) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err = String>,
{
    struct Text<T>(&'static str, std::marker::PhantomData<T>);

    impl<T: FromStr<Err = String>> Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }

    deserializer.deserialize_str(Text(expected, std::marker::PhantomData))
}
