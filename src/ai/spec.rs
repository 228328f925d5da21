//! What a provider is, as plain data.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// A provider as its operator describes it.
#[derive(Clone, Debug)]
pub struct ProviderSpec {
    /// What it is called here: in requests, headers, logs. Letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Who answers.
    pub kind: Kind,
    /// The models it has; the first is the one that is meant where none is named. Empty: any name is handed on.
    pub models: Vec<String>,
    /// Other names for its models.
    pub aliases: BTreeMap<String, String>,
    /// How long it is waited for.
    pub timeouts: Timeouts,
    /// Requests at the same time; further ones wait for their turn. None: no limit.
    pub concurrency: Option<usize>,
}

/// Who answers.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A server that speaks OpenAI's protocol.
    OpenAi {
        /// What `/chat/completions` is added to, like `https://api.openai.com/v1`.
        base_url: String,
        /// Sent as a bearer token.
        key: Option<Secret>,
    },
    /// A command that reads the conversation from standard input and writes the answer to standard output. `{model}` among
    /// the arguments is replaced; then the models that it may be called with have to be named.
    Command {
        /// The program and its arguments.
        command: Vec<String>,
    },
    /// The conversationalist that is built in: it needs no network, and always says the same to the same.
    Offline,
}

/// How long a provider is waited for. An answer that is streamed has no limit as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection. Default 10 s.
    pub connect: Duration,
    /// From the request to the first visible token. Default 60 s.
    pub first_token: Duration,
    /// Between two chunks. Default 30 s.
    pub idle: Duration,
    /// For the whole of an answer that is not streamed. Default 5 min.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_token: Duration::from_secs(60),
            idle: Duration::from_secs(30),
            total: Duration::from_secs(300),
        }
    }
}

impl ProviderSpec {
    /// A provider with the default times.
    #[must_use]
    pub fn new(name: impl Into<String>, kind: Kind) -> Self {
        Self {
            name: name.into(),
            kind,
            models: Vec::new(),
            aliases: BTreeMap::new(),
            timeouts: Timeouts::default(),
            concurrency: None,
        }
    }

    /// The built-in one, with its one model.
    #[must_use]
    pub fn offline(name: impl Into<String>) -> Self {
        Self {
            models: vec!["eliza".to_owned()],
            ..Self::new(name, Kind::Offline)
        }
    }
}

/// Something that is shown to nobody but whom it is for.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
