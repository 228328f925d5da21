//! From the configuration's tables to the rooms' own data, with the keys.

use std::collections::HashSet;
use std::time::Duration;

use super::program::Refused;
use super::secrets;
use crate::ai::{Ai, Kind, ProviderSpec, Secret, Timeouts};
use crate::config::Config;
use crate::config::ai::{GatewayKey as KeyTable, KeySource, Provider, ProviderKind};
use crate::features::gateway::GatewayKey;
use crate::features::{assistant, gateway};
use crate::lifecycle::ExitKind;

/// What the configuration says about AI, with its keys read.
pub(super) struct Parts {
    pub(super) ai: Ai,
    /// None where it is turned off.
    pub(super) assistant: Option<assistant::Settings>,
    /// None where it is turned off.
    pub(super) gateway: Option<gateway::Settings>,
}

impl Parts {
    pub(super) fn of(config: &Config) -> Result<Self, Refused> {
        Ok(Self {
            ai: providers(config)?,
            assistant: assistant(config),
            gateway: gateway(config)?,
        })
    }
}

fn providers(config: &Config) -> Result<Ai, Refused> {
    let specs = config.providers.iter().map(provider);
    let ai = Ai::new(specs.collect::<Result<_, _>>()?).map_err(|error| wrong(error.to_string()))?;
    let known: Vec<_> = ai.providers().collect();
    let strange = config.gateway.providers.iter();
    if let Some(name) = strange
        .into_iter()
        .find(|name| !known.contains(&name.as_str()))
    {
        return Err(wrong(format!(
            "the gateway is to ask the provider `{name}` first, and there is none of that name; there are {}",
            known.join(", ")
        )));
    }
    Ok(ai)
}

fn provider(table: &Provider) -> Result<ProviderSpec, Refused> {
    let kind = match &table.kind {
        ProviderKind::OpenAi { base_url, key } => Kind::OpenAi {
            base_url: base_url.0.as_str().trim_end_matches('/').to_owned(),
            key: secret("provider", &table.name.0, key)?,
        },
        ProviderKind::Command(command) => Kind::Command {
            command: command.clone(),
        },
        ProviderKind::Offline => Kind::Offline,
    };
    let is_offline = matches!(kind, Kind::Offline);
    let mut spec = if is_offline && table.models.is_empty() {
        ProviderSpec::offline(&table.name.0)
    } else {
        ProviderSpec::new(&table.name.0, kind)
    };
    if !table.models.is_empty() {
        spec.models.clone_from(&table.models);
    }
    spec.aliases.clone_from(&table.aliases);
    let usual = Timeouts::default();
    spec.timeouts = Timeouts {
        connect: table
            .connect_timeout
            .map_or(usual.connect, |time| time.get()),
        first_token: table
            .first_token_timeout
            .map_or(usual.first_token, |time| time.get()),
        idle: table.idle_timeout.map_or(usual.idle, |time| time.get()),
        total: table.total_timeout.map_or(usual.total, |time| time.get()),
    };
    spec.concurrency = table.concurrency.map(|count| to_usize(count.get()));
    Ok(spec)
}

fn assistant(config: &Config) -> Option<assistant::Settings> {
    let table = &config.assistant;
    if table.enabled == Some(false) {
        return None;
    }
    let usual = assistant::Settings::default();
    Some(assistant::Settings {
        model: table.model.clone(),
        system: table.system.clone(),
        users: table.users.iter().copied().collect(),
        groups: table.groups.iter().copied().collect(),
        tokens_per_day: table.tokens_per_day.map(|count| count.get()),
        queue: table
            .queue
            .map_or(usual.queue, |count| to_usize(count.get())),
        history_tokens: table
            .history_tokens
            .map_or(usual.history_tokens, |count| count.get()),
        forget_after: table
            .forget_after
            .map_or(usual.forget_after, |time| time.get()),
        answer_timeout: table
            .answer_timeout
            .map_or(usual.answer_timeout, |time| time.get()),
        // Before the lanes are told to drop what still runs, at 80 % of the stop's budget.
        drain: (config.stop_timeout / 2).max(Duration::from_millis(200)),
    })
}

fn gateway(config: &Config) -> Result<Option<gateway::Settings>, Refused> {
    let table = &config.gateway;
    if table.enabled == Some(false) {
        return Ok(None);
    }
    let usual = gateway::Settings::default();
    let keys = table.key.iter().map(gateway_key);
    let keys: Vec<_> = keys.collect::<Result<_, _>>()?;
    let mut names = HashSet::new();
    if let Some(twice) = keys.iter().find(|key| !names.insert(&key.name)) {
        return Err(wrong(format!(
            "two keys of the gateway are called `{}`; give each a name of its own",
            twice.name
        )));
    }
    for (n, key) in keys.iter().enumerate() {
        if let Some(other) = keys[..n].iter().find(|other| other.secret == key.secret) {
            return Err(wrong(format!(
                "the gateway's keys `{}` and `{}` are the same; give each a secret of its own, so that it is known who asks",
                other.name, key.name
            )));
        }
    }
    let body_bytes = table
        .body_bytes
        .map_or(usual.body_bytes, |count| to_usize(count.get()));
    Ok(Some(gateway::Settings {
        keys,
        providers: table.providers.clone(),
        concurrent: table
            .concurrent
            .map_or(usual.concurrent, |count| to_usize(count.get())),
        body_bytes,
        // Two of the largest, so that one is not refused because of what is beside it.
        held_bytes: usual.held_bytes.max(body_bytes.saturating_mul(2)),
        ping_every: table.ping_every.map_or(usual.ping_every, |time| time.get()),
    }))
}

fn gateway_key(table: &KeyTable) -> Result<GatewayKey, Refused> {
    let name = &table.name.0;
    let missing = || {
        wrong(format!(
            "the gateway's key `{name}` has no secret: put it into a file and name that with `key_file`, or into $CREDENTIALS_DIRECTORY/gateway-key-{name}, or name a variable with `key_env`"
        ))
    };
    Ok(GatewayKey {
        name: name.clone(),
        secret: secret("gateway-key", name, &table.source)?.ok_or_else(missing)?,
        tokens_per_day: table.tokens_per_day.map(|count| count.get()),
        requests_per_minute: table
            .requests_per_minute
            .and_then(|count| u32::try_from(count.get()).ok()),
    })
}

/// A key from its place; none where it is to be among the credentials and is not.
fn secret(purpose: &str, name: &str, source: &KeySource) -> Result<Option<Secret>, Refused> {
    secrets::key(&format!("{purpose}-{name}"), name, source)
}

fn to_usize(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn wrong(text: String) -> Refused {
    let kind = ExitKind::Config;
    Refused { kind, text }
}
