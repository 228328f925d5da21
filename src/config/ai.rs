//! The tables about AI: providers, the assistant, the gateway.

use std::collections::BTreeMap;
use std::path::PathBuf;

use reqwest::Url;
use serde::{Deserialize, Deserializer};

use super::value::{Count, Span, from_text};

/// How long one step of a provider may take: 100 ms to 1 h.
pub(crate) type Patience = Span<100, 3_600_000>;
/// How long a conversation is remembered: 1 min to a year.
pub(crate) type Memory = Span<60_000, 31_557_600_000>;
/// How long an answer may take: 1 s to 1 h.
pub(crate) type AnswerTimeout = Span<1_000, 3_600_000>;
/// Silence before a ping: 100 ms to 1 min, after which many proxies hang up.
pub(crate) type PingEvery = Span<100, 60_000>;
/// Tokens, of which one is as good as none.
pub(crate) type Tokens = Count<1, { u64::MAX }>;

/// One `[[provider]]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "ProviderTable")]
pub(crate) struct Provider {
    pub(crate) name: Name,
    pub(crate) kind: ProviderKind,
    pub(crate) models: Vec<String>,
    pub(crate) aliases: BTreeMap<String, String>,
    pub(crate) connect_timeout: Option<Patience>,
    pub(crate) first_token_timeout: Option<Patience>,
    pub(crate) idle_timeout: Option<Patience>,
    pub(crate) total_timeout: Option<Patience>,
    pub(crate) concurrency: Option<Count<1, 10_000>>,
}

/// Who answers, with what only that needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ProviderKind {
    OpenAi { base_url: BaseUrl, key: KeySource },
    Command(Vec<String>),
    Offline,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderTable {
    name: Name,
    #[serde(default)]
    kind: KindName,
    base_url: Option<BaseUrl>,
    key_file: Option<PathBuf>,
    key_env: Option<String>,
    command: Option<Vec<String>>,
    #[serde(default)]
    models: Vec<String>,
    #[serde(default)]
    aliases: BTreeMap<String, String>,
    connect_timeout: Option<Patience>,
    first_token_timeout: Option<Patience>,
    idle_timeout: Option<Patience>,
    total_timeout: Option<Patience>,
    concurrency: Option<Count<1, 10_000>>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KindName {
    #[default]
    OpenAi,
    Command,
    Offline,
}

impl TryFrom<ProviderTable> for Provider {
    type Error = String;

    fn try_from(mut table: ProviderTable) -> Result<Self, String> {
        let kind = table.kind()?;
        let unknown = table
            .aliases
            .iter()
            .find(|(_, model)| !table.models.is_empty() && !table.models.contains(*model));
        if let Some((alias, model)) = unknown {
            return Err(format!(
                "the alias `{alias}` stands for `{model}`, which is not among `models`"
            ));
        }
        Ok(Self {
            name: table.name,
            kind,
            models: table.models,
            aliases: table.aliases,
            connect_timeout: table.connect_timeout,
            first_token_timeout: table.first_token_timeout,
            idle_timeout: table.idle_timeout,
            total_timeout: table.total_timeout,
            concurrency: table.concurrency,
        })
    }
}

impl ProviderTable {
    /// What the kind needs must be there, and what it has no use for is a mistake.
    fn kind(&mut self) -> Result<ProviderKind, String> {
        let (url, command) = (self.base_url.take(), self.command.take());
        let key = KeySource::new(self.key_file.take(), self.key_env.take())?;
        let name = &self.name.0;
        let alone = |is_left: bool, what: &str, kind: &str| {
            if is_left {
                return Err(format!(
                    "provider `{name}` is of kind {kind}, which has no use for `{what}`"
                ));
            }
            Ok(())
        };
        match self.kind {
            KindName::OpenAi => {
                alone(command.is_some(), "command", "openai")?;
                let base_url = url.ok_or_else(|| format!("provider `{name}` has no `base_url`; write it like \"https://api.openai.com/v1\", or choose another `kind`: \"command\", \"offline\""))?;
                Ok(ProviderKind::OpenAi { base_url, key })
            }
            KindName::Command => {
                alone(url.is_some(), "base_url", "command")?;
                alone(
                    key != KeySource::default(),
                    "key_file` or `key_env",
                    "command",
                )?;
                let command = command.filter(|command| !command.is_empty());
                let command = command.ok_or_else(|| format!("provider `{name}` has no `command`; write it like [\"llama-cli\", \"-m\", \"{{model}}\"]"))?;
                // What a client asks for would stand there word for word: a file's name, an option.
                if self.models.is_empty() && command.iter().any(|part| part.contains("{model}")) {
                    return Err(format!(
                        "provider `{name}` has `{{model}}` in its `command` and no `models`, so that anybody could choose what stands there; list the `models` that it may be called with"
                    ));
                }
                Ok(ProviderKind::Command(command))
            }
            KindName::Offline => {
                alone(url.is_some(), "base_url", "offline")?;
                alone(command.is_some(), "command", "offline")?;
                alone(
                    key != KeySource::default(),
                    "key_file` or `key_env",
                    "offline",
                )?;
                Ok(ProviderKind::Offline)
            }
        }
    }
}

/// Where a key is, besides the service manager's credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum KeySource {
    /// Among the credentials, where it is there.
    #[default]
    Credential,
    /// In this file, which holds nothing else.
    File(PathBuf),
    /// In the environment variable of this name.
    Variable(String),
}

impl KeySource {
    pub(super) fn new(file: Option<PathBuf>, variable: Option<String>) -> Result<Self, String> {
        match (file, variable) {
            (None, None) => Ok(Self::Credential),
            (Some(file), None) => Ok(Self::File(file)),
            (None, Some(variable)) => Ok(Self::Variable(variable)),
            (Some(_), Some(_)) => {
                Err("`key_file` and `key_env` are both given; a key has one place".to_owned())
            }
        }
    }
}

/// The table `[assistant]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Assistant {
    pub(crate) enabled: Option<bool>,
    pub(crate) model: Option<String>,
    pub(crate) system: Option<String>,
    #[serde(default)]
    pub(crate) users: Vec<i64>,
    #[serde(default)]
    pub(crate) groups: Vec<i64>,
    pub(crate) tokens_per_day: Option<Tokens>,
    pub(crate) queue: Option<Count<0, 20>>,
    pub(crate) history_tokens: Option<Count<0, 1_000_000>>,
    pub(crate) forget_after: Option<Memory>,
    pub(crate) answer_timeout: Option<AnswerTimeout>,
}

/// The table `[gateway]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gateway {
    pub(crate) enabled: Option<bool>,
    #[serde(default)]
    pub(crate) providers: Vec<String>,
    pub(crate) concurrent: Option<Count<1, 10_000>>,
    pub(crate) body_bytes: Option<Count<1_024, 1_073_741_824>>,
    pub(crate) ping_every: Option<PingEvery>,
    #[serde(default)]
    pub(crate) key: Vec<GatewayKey>,
}

/// One `[[gateway.key]]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "GatewayKeyTable")]
pub(crate) struct GatewayKey {
    pub(crate) name: Name,
    pub(crate) source: KeySource,
    pub(crate) tokens_per_day: Option<Tokens>,
    pub(crate) requests_per_minute: Option<Count<1, 100_000>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GatewayKeyTable {
    name: Name,
    key_file: Option<PathBuf>,
    key_env: Option<String>,
    tokens_per_day: Option<Tokens>,
    requests_per_minute: Option<Count<1, 100_000>>,
}

impl TryFrom<GatewayKeyTable> for GatewayKey {
    type Error = String;

    fn try_from(table: GatewayKeyTable) -> Result<Self, String> {
        Ok(Self {
            source: KeySource::new(table.key_file, table.key_env)?,
            name: table.name,
            tokens_per_day: table.tokens_per_day,
            requests_per_minute: table.requests_per_minute,
        })
    }
}

/// What a provider or a key is called: it stands in paths, in headers and in the names of files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name(pub(crate) String);

impl std::str::FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_name = (1..=64).contains(&text.len()) && text.chars().all(is_plain);
        if is_name && text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return Ok(Self(text.to_owned()));
        }
        Err(format!(
            "`{text}` is no name; it has 1 to 64 letters, digits, -, _ or . and begins with a letter or a digit"
        ))
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, "a name in quotes, like \"openrouter\"")
    }
}

/// Address of a provider, to which `/chat/completions` is added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BaseUrl(pub(crate) Url);

impl std::str::FromStr for BaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = Url::parse(text.trim_end_matches('/')).map_err(|error| {
            format!("this is no URL ({error}); write it like https://api.openai.com/v1")
        })?;
        // Not repeated in the errors: there may be a key in it.
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return Err("a key does not belong into the address; name its place with `key_file` or `key_env`".to_owned());
        }
        match url.scheme() {
            "http" | "https" if url.path().ends_with("/chat/completions") => {
                Err("the address ends before /chat/completions: leave that away".to_owned())
            }
            "http" | "https" => Ok(Self(url)),
            scheme => Err(format!("the scheme is {scheme}; it must be http or https")),
        }
    }
}

impl<'de> Deserialize<'de> for BaseUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(
            deserializer,
            "a URL in quotes, like \"https://api.openai.com/v1\"",
        )
    }
}
