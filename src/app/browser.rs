//! From the table about the browser to what reads pages.

use std::collections::BTreeSet;
use std::sync::Arc;

use tracing::{info, warn};

use super::program::Refused;
use super::secrets;
use crate::config::Config;
use crate::config::browser::Search;
use crate::features::assistant::MoreTools;
use crate::features::browser::{self, Browser, Engine, Host, Settings};
use crate::lifecycle::{Builder, ExitKind, Restart, RestartPolicy, ServiceSpec};

/// What reads pages, and what it needs to run.
pub(super) struct Parts {
    pub(super) is_on: bool,
    pub(super) browser: Browser,
    host: Host,
}

impl Parts {
    pub(super) fn of(config: &Config) -> Result<Self, Refused> {
        let is_on = config.browser.enabled != Some(false);
        // What was ordered before it was turned off is still done, and that takes no key of a search engine.
        let settings = match is_on {
            true => settings(config)?,
            false => Settings::default(),
        };
        let (browser, host) = Browser::new(settings).map_err(|error| Refused {
            kind: ExitKind::StateIo,
            text: format!("cannot make ready what reads web pages: {error}; is there a directory for temporary files?"),
        })?;
        if is_on && !browser.has_chromium() {
            say_that_there_is_none(config);
        }
        Ok(Self {
            is_on,
            browser,
            host,
        })
    }

    /// What models may use of it.
    pub(super) fn tools(&self) -> MoreTools {
        let browser = self.is_on.then(|| self.browser.clone());
        Arc::new(move |origin| match &browser {
            Some(browser) => browser::tools(browser, origin),
            None => Vec::new(),
        })
    }

    /// What pages are opened in step by step is a service, which the bot can do without.
    pub(super) fn supervise(&self, supervisor: Builder) -> Builder {
        let host = self.host.clone();
        let policy = RestartPolicy::new(Restart::Transient);
        let spec = ServiceSpec::new("browser").restart(policy).optional();
        supervisor.service(spec, move || host.clone())
    }
}

fn say_that_there_is_none(config: &Config) {
    const SO: &str =
        "pages that need it are read as far as they can be, and there are no pictures of pages";
    match &config.browser.chromium {
        Some(program) => warn!(
            "`{}`, which is to be Chromium, is no program that can be run: {SO}",
            program.display()
        ),
        None => info!("no Chromium is found: {SO}"),
    }
}

fn settings(config: &Config) -> Result<Settings, Refused> {
    let (table, usual) = (&config.browser, Settings::default());
    let allow = table.allow.iter().map(|host| host.parse());
    let allow = allow.collect::<Result<_, _>>();
    let search = table.search.as_ref().map(engine).transpose()?;
    Ok(Settings {
        chromium: table.chromium.clone(),
        pages: table.pages.map_or(usual.pages, |count| {
            usize::try_from(count.get()).unwrap_or(usual.pages)
        }),
        page_timeout: table
            .page_timeout
            .map_or(usual.page_timeout, |time| time.get()),
        allow: allow.map_err(|error| wrong(format!("`allow` of the browser: {error}")))?,
        cache_for: table.cache_for.map_or(usual.cache_for, |time| time.get()),
        users: table.users.iter().copied().collect::<BTreeSet<_>>(),
        search,
        seats: Settings::seats_of(config.handlers),
    })
}

fn engine(table: &Search) -> Result<Engine, Refused> {
    Ok(match table {
        Search::SearXng { url } => Engine::SearXng { url: url.0.clone() },
        Search::Brave { url, key } => {
            let missing = || {
                wrong("the search has no key: put it into a file and name that with `key_file`, or into $CREDENTIALS_DIRECTORY/search, or name a variable with `key_env`".to_owned())
            };
            let key = secrets::key("search", "search", key)?.ok_or_else(missing)?;
            let url = url.0.clone();
            Engine::Brave { url, key }
        }
    })
}

fn wrong(text: String) -> Refused {
    let kind = ExitKind::Config;
    Refused { kind, text }
}
