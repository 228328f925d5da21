//! What a configuration that is read again changes.

use super::Config;

/// A key of the file, and whether two configurations differ in it.
type Differs = (&'static str, fn(&Config, &Config) -> bool);

/// What a running program takes over.
const NOW: [Differs; 4] = [
    ("handlers", |a, b| a.handlers != b.handlers),
    ("handler_timeout", |a, b| {
        a.handler_timeout != b.handler_timeout
    }),
    ("operator_chat", |a, b| a.operator_chat != b.operator_chat),
    ("log_level", |a, b| a.log_level != b.log_level),
];

/// What the next start takes over. Together with the others it is every key there is.
const LATER: [Differs; 19] = [
    ("token_file", |a, b| a.token_files != b.token_files),
    ("api_url", |a, b| a.api_url != b.api_url),
    ("state_dir", |a, b| a.state_dir != b.state_dir),
    ("sandbox", |a, b| a.sandbox != b.sandbox),
    ("run_for", |a, b| a.run_for != b.run_for),
    ("max_updates", |a, b| a.max_updates != b.max_updates),
    ("until_idle", |a, b| a.until_idle != b.until_idle),
    ("stop_timeout", |a, b| a.stop_timeout != b.stop_timeout),
    ("start_patience", |a, b| {
        a.start_patience != b.start_patience
    }),
    ("poll_timeout", |a, b| a.poll_timeout != b.poll_timeout),
    ("poll_limit", |a, b| a.poll_limit != b.poll_limit),
    ("drop_older_than", |a, b| {
        a.drop_older_than != b.drop_older_than
    }),
    ("drop_kinds", |a, b| a.drop_kinds != b.drop_kinds),
    ("log_format", |a, b| a.log_format != b.log_format),
    ("listen", |a, b| a.listen != b.listen),
    ("provider", |a, b| a.providers != b.providers),
    ("assistant", |a, b| a.assistant != b.assistant),
    ("gateway", |a, b| a.gateway != b.gateway),
    ("browser", |a, b| a.browser != b.browser),
];

impl Config {
    /// Keys whose new values a running program takes over at once.
    pub(crate) fn changed_now(&self, newer: &Self) -> Vec<&'static str> {
        self.changed(newer, &NOW)
    }

    /// Keys whose new values count from the next start on.
    pub(crate) fn changed_later(&self, newer: &Self) -> Vec<&'static str> {
        self.changed(newer, &LATER)
    }

    fn changed(&self, newer: &Self, keys: &[Differs]) -> Vec<&'static str> {
        let changed = keys.iter().filter(|(_, differs)| differs(self, newer));
        changed.map(|(key, _)| *key).collect()
    }

    /// Takes over what can be taken over at once.
    pub(crate) fn take_over(&mut self, newer: &Self) {
        self.handlers = newer.handlers;
        self.handler_timeout = newer.handler_timeout;
        self.operator_chat = newer.operator_chat;
        self.log_level.clone_from(&newer.log_level);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Layer;
    use super::*;

    fn config(toml: &str) -> Config {
        Config::new(toml::from_str::<Layer>(toml).unwrap())
    }

    /// Every key with a value that is not its default.
    const OTHER: &str = r#"
        token_file = "/other"
        api_url = "http://127.0.0.1:1"
        state_dir = "/other"
        sandbox = true
        run_for = "1h"
        max_updates = 7
        until_idle = "1h"
        stop_timeout = "7s"
        start_patience = "7s"
        poll_timeout = "7s"
        poll_limit = 7
        drop_older_than = "7s"
        drop_kinds = "message"
        handlers = 7
        handler_timeout = "7s"
        operator_chat = 7
        log_format = "json"
        log_level = "debug"
        listen = "127.0.0.1:7"
        provider = [{ name = "other", kind = "offline" }]
        assistant = { enabled = false }
        gateway = { concurrent = 7 }
        browser = { pages = 7 }
    "#;

    #[test]
    fn every_key_that_changes_is_named_once() {
        let (old, newer) = (config(""), config(OTHER));
        let mut named = old.changed_now(&newer);
        named.extend(old.changed_later(&newer));
        named.sort_unstable();
        let lines = OTHER.lines().filter_map(|line| line.split_once('='));
        let mut keys: Vec<_> = lines.map(|(key, _)| key.trim()).collect();
        keys.sort_unstable();
        assert_eq!(named, keys);
    }

    #[test]
    fn what_is_taken_over_has_not_changed_any_more() {
        let (mut config, newer) = (config(""), config(OTHER));
        config.take_over(&newer);
        assert_eq!(config.changed_now(&newer), [""; 0]);
        assert_eq!(config.changed_later(&newer).len(), LATER.len());
    }
}
