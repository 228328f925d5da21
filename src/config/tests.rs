use std::path::Path;
use std::time::Duration;

use super::ai::{BaseUrl, KeySource, ProviderKind};
use super::*;

fn load_text(text: &str) -> Result<Layer, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bot.toml");
    std::fs::write(&path, text).unwrap();
    load(&path)
}

fn refusal(text: &str) -> String {
    let error = load_text(text).unwrap_err().to_string();
    error.split_once("bot.toml").unwrap().1.to_owned()
}

#[test]
fn a_token_file_is_one_or_a_list_of_some() {
    let files = |text| Config::new(load_text(text).unwrap()).token_files;
    assert_eq!(files("token_file = \"/a\""), [Path::new("/a")]);
    let two = files("token_file = [\"/a\", \"/b\"]");
    assert_eq!(two, [Path::new("/a"), Path::new("/b")]);
    assert_eq!(files(""), [] as [&Path; 0]);
    assert!(refusal("token_file = []").contains("the list is empty"));
    let odd = refusal("token_file = 5");
    assert!(
        odd.contains("a path in quotes, or a list of paths"),
        "{odd}"
    );
}

#[test]
fn every_key_of_the_file_is_read() {
    let layer = load_text(
        r#"
        token_file = "/etc/token"
        api_url = "http://127.0.0.1:8081/"
        state_dir = "/var/lib/bot"
        sandbox = true
        run_for = "1h 30m"
        max_updates = 7
        until_idle = "5s"
        stop_timeout = "10s"
        poll_timeout = "50s"
        poll_limit = 100
        drop_older_than = "6h"
        drop_kinds = "callback_query, inline_query"
        handlers = 64
        operator_chat = -100123
        log_format = "json"
        log_level = "debug"
        "#,
    );
    let config = Config::new(layer.unwrap());
    assert_eq!(config.run_for, Some(Duration::from_secs(5_400)));
    assert_eq!(config.api_url.get().as_str(), "http://127.0.0.1:8081/");
    assert_eq!(config.poll_timeout, Duration::from_secs(50));
    assert_eq!(
        (config.max_updates, config.poll_limit, config.handlers),
        (Some(7), 100, 64)
    );
    assert_eq!(config.drop_older_than, Some(Duration::from_secs(21_600)));
    assert_eq!(
        config.drop_kinds,
        [AllowedUpdate::CallbackQuery, AllowedUpdate::InlineQuery]
    );
    assert_eq!(config.operator_chat, Some(-100_123));
    assert!(config.sandbox);
}

#[test]
fn an_unknown_key_is_refused_with_its_place_and_a_hint() {
    let text = "sandbox = true\n\nstop_timout = \"5s\"\n";
    assert_eq!(
        refusal(text),
        ":3:1: unknown key `stop_timout`; did you mean `stop_timeout`?\n  3 | stop_timout = \"5s\""
    );
    assert!(
        refusal("colour = 1").contains("unknown key `colour`; the keys are token_file, api_url")
    );
}

#[test]
fn a_value_of_the_wrong_kind_is_refused_with_what_it_should_be() {
    let text = refusal("run_for = 30");
    assert!(
        text.contains(":1:11: ") && text.contains("a duration in quotes, like \"30s\""),
        "{text}"
    );
}

#[test]
fn no_time_and_more_than_a_year_are_refused_with_what_was_read() {
    assert!(refusal("run_for = \"0s\"").contains("`0s` is 0s; it must be from 1ms to 1year"));
    assert!(refusal("run_for = \"400days\"").contains("`400days` is 1year 1month"));
    assert!(refusal("until_idle = \"soon\"").contains("`soon` is no duration"));
}

#[test]
fn counts_have_ranges() {
    assert!(refusal("poll_limit = 101").contains("101 is out of range; it must be from 1 to 100"));
    assert!(refusal("max_updates = 0").contains("0 is too small; it must be 1 or more"));
    assert!(refusal("handlers = -1").contains("-1 is below 0"));
}

#[test]
fn a_kind_that_there_is_not_is_refused_with_its_name() {
    for text in ["\"message,tea_time\"", "\"tea_time\""] {
        assert!(refusal(&format!("drop_kinds = {text}")).contains("`tea_time` is no kind"));
    }
    assert!(refusal("drop_kinds = \"\"").contains("`` is no kind"));
    assert!(refusal("drop_kinds = 5").contains("kinds of updates in quotes"));
}

#[test]
fn a_url_with_a_token_in_it_is_refused_without_repeating_it() {
    let error = "https://api.telegram.org/bot123:SECRET/getMe"
        .parse::<ApiUrl>()
        .unwrap_err();
    assert!(!error.contains("SECRET"), "{error}");
    assert!("http://127.0.0.1/bot-api".parse::<ApiUrl>().is_ok());
}

#[test]
fn plain_http_is_exposed_unless_it_stays_on_the_machine() {
    let is_exposed = |url: &str| url.parse::<ApiUrl>().unwrap().is_exposed();
    assert!(is_exposed("http://bots.example"));
    assert!(!is_exposed("https://bots.example"));
    assert!(!is_exposed("http://127.0.0.1:8081"));
    assert!(!is_exposed("http://localhost"));
    assert!(!is_exposed("http://[::1]:8081"));
    assert!(is_exposed("http://127.example.com"));
}

#[test]
fn the_upper_layer_wins() {
    let file = load_text("run_for = \"1h\"\nhandlers = 3").unwrap();
    let flags = Layer {
        run_for: Some("2s".parse().unwrap()),
        ..Layer::default()
    };
    let config = Config::new(flags.over(file));
    assert_eq!(
        (config.run_for, config.handlers),
        (Some(Duration::from_secs(2)), 3)
    );
}

#[test]
fn a_broken_file_is_refused_with_its_line() {
    assert!(refusal("sandbox = true\nrun_for = ").starts_with(":2:"));
}

#[test]
fn a_provider_is_read_with_what_its_kind_needs() {
    let layer = load_text(
        r#"
        [[provider]]
        name = "openrouter"
        base_url = "https://openrouter.ai/api/v1/"
        key_env = "OPENROUTER_API_KEY"
        models = ["openai/gpt-4o-mini"]
        aliases = { fast = "openai/gpt-4o-mini" }
        first_token_timeout = "20s"

        [[provider]]
        name = "llama"
        kind = "command"
        command = ["llama-cli", "-m", "{model}"]
        models = ["llama-3.2-3b"]
        concurrency = 1
        "#,
    );
    let [remote, local] = Config::new(layer.unwrap()).providers.try_into().unwrap();
    let ProviderKind::OpenAi { base_url, key } = &remote.kind else {
        panic!("{remote:?}");
    };
    assert_eq!(base_url.0.as_str(), "https://openrouter.ai/api/v1");
    assert_eq!(*key, KeySource::Variable("OPENROUTER_API_KEY".to_owned()));
    assert_eq!(remote.first_token_timeout, Some("20s".parse().unwrap()));
    let command = ["llama-cli", "-m", "{model}"].map(str::to_owned);
    assert_eq!(local.kind, ProviderKind::Command(command.into()));
}

#[test]
fn a_provider_that_cannot_be_is_refused_where_it_stands() {
    for (table, error) in [
        ("", "`name`"),
        ("name = \"a b\"", "`a b` is no name"),
        ("name = \"a\"", "provider `a` has no `base_url`"),
        (
            "name = \"a\"\nkind = \"command\"",
            "provider `a` has no `command`",
        ),
        (
            "name = \"a\"\nkind = \"command\"\ncommand = [\"cat\", \"/{model}\"]",
            "provider `a` has `{model}` in its `command` and no `models`",
        ),
        (
            "name = \"a\"\nkind = \"offline\"\nkey_env = \"KEY\"",
            "of kind offline, which has no use for `key_file` or `key_env`",
        ),
        ("name = \"a\"\nkind = \"oai\"", "`oai`"),
        (
            "name = \"a\"\nbase_urls = \"b\"",
            "unknown key `base_urls`; did you mean `base_url`?",
        ),
        (
            "name = \"a\"\nkind = \"offline\"\nmodels = [\"m\"]\naliases = { x = \"y\" }",
            "the alias `x` stands for `y`, which is not among `models`",
        ),
    ] {
        let text = refusal(&format!("sandbox = true\n[[provider]]\n{table}\n"));
        assert!(text.contains(error), "{text}");
        assert!(!text.starts_with(":1:"), "{text}");
    }
}

#[test]
fn an_address_with_a_key_in_it_is_refused_without_repeating_it() {
    for url in [
        "https://SECRET@ai.example/v1",
        "https://ai.example/v1?key=SECRET",
    ] {
        let error = url.parse::<BaseUrl>().unwrap_err();
        assert!(
            error.contains("`key_file`") && !error.contains("SECRET"),
            "{error}"
        );
    }
}

#[test]
fn providers_on_the_command_line_win_over_those_of_the_gateways_table() {
    let file = load_text("[gateway]\nproviders = [\"a\"]\nconcurrent = 3").unwrap();
    let flags = Layer {
        gateway_providers: Some(vec!["b".to_owned()]),
        ..Layer::default()
    };
    let gateway = Config::new(flags.over(file)).gateway;
    assert_eq!(gateway.providers, ["b"]);
    assert_eq!(gateway.concurrent, Some("3".parse().unwrap()));
}
