use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use clap::{Parser, ValueEnum};

use super::unit::{DropIn, INSTANCE, ONE, WINDOW};
use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

fn parse(line: &str) -> Command {
    let words = ["systemd"].into_iter().chain(line.split_whitespace());
    Line::try_parse_from(words).unwrap().args.command
}

/// Writes below this folder, and returns what is said.
fn install(root: &Path, options: &str) -> Result<String, Refusal> {
    let line = format!("install --root {} {options}", root.display());
    let Command::Install { what, root } = parse(&line) else {
        unreachable!("the line says install")
    };
    super::install::install(&what, &Root::new(root)?)
}

/// A machine with the program on it, where the units look for it.
fn machine() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "usr/local/bin/sundown", "");
    root
}

fn put(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn read(root: &Path, path: &str) -> String {
    fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn printed(line: &str) -> String {
    let Command::Print(what) = parse(line) else {
        unreachable!("the line says print")
    };
    print(&what).unwrap()
}

/// What is between these two lines, without them.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    text.split_once(from).unwrap().1.split_once(to).unwrap().0
}

const BINARY: &str = "--binary /usr/local/bin/sundown";
const UNIT: &str = "etc/systemd/system/sundown@.service";

#[test]
fn every_service_has_the_same_sandbox() {
    let sandboxes = [ONE, INSTANCE, WINDOW].map(|(_, text)| {
        let lines = between(text, "# The sandbox.", "[Install]").lines();
        lines
            .filter(|line| !line.starts_with('#') && !line.starts_with("User="))
            .collect::<Vec<_>>()
    });
    assert_eq!(sandboxes[0], sandboxes[1]);
    assert_eq!(sandboxes[1], sandboxes[2]);
}

#[test]
fn what_is_installed_for_the_machine_is_the_file_in_the_repository() {
    let root = machine();
    install(root.path(), &format!("tea {BINARY}")).unwrap();
    assert_eq!(read(root.path(), UNIT), INSTANCE.1);
}

#[test]
fn the_program_is_put_in_wherever_its_path_stands() {
    let text = printed("print tea --binary /opt/bots/sundown");
    assert!(text.contains("ExecStart=/opt/bots/sundown run"), "{text}");
    assert!(text.contains("ExecPaths=/opt/bots/sundown\n"), "{text}");
    assert!(!text.contains("/usr/local/bin/sundown"), "{text}");
}

#[test]
fn what_is_printed_stands_under_the_names_of_its_files() {
    let text = printed(&format!(
        "print tea --window --drop-in ip-allow-list {BINARY}"
    ));
    let heads: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("# /etc"))
        .collect();
    let folder = "# /etc/systemd/system/sundown-window@";
    let expected = [".service", ".timer", "tea.service.d/ip-allow-list.conf"];
    assert_eq!(heads, expected.map(|name| format!("{folder}{name}")));
}

#[test]
fn a_unit_for_a_user_has_nothing_that_takes_a_system_managers_rights() {
    for name in ["", "tea", "tea --window"] {
        let text = printed(&format!("print --user {name} {BINARY}"));
        for directive in [
            "DynamicUser",
            "CapabilityBoundingSet",
            "Protect",
            "NoExecPaths",
            "network-online",
        ] {
            assert!(!text.contains(directive), "{directive} in\n{text}");
        }
        for directive in [
            "Type=notify",
            "LoadCredential=bot-token:%E/",
            "NoNewPrivileges=yes",
            "[Install]",
        ] {
            assert!(text.contains(directive), "no {directive} in\n{text}");
        }
        assert!(!text.contains("multi-user.target"), "{text}");
    }
}

#[test]
fn a_second_install_changes_nothing_and_says_so() {
    let root = machine();
    let options = format!("tea --drop-in chromium {BINARY}");
    let first = install(root.path(), &options).unwrap();
    assert_eq!(first.matches("written ").count(), 3, "{first}");
    assert!(first.contains("missing "), "{first}");
    let written = fs::metadata(root.path().join(UNIT)).unwrap();
    let second = install(root.path(), &options).unwrap();
    assert_eq!(second.matches("unchanged ").count(), 2, "{second}");
    assert_eq!(second.matches("kept ").count(), 1, "{second}");
    assert!(!second.contains("written "), "{second}");
    let unchanged = fs::metadata(root.path().join(UNIT)).unwrap();
    assert_eq!(written.modified().unwrap(), unchanged.modified().unwrap());
}

#[test]
fn an_outdated_unit_is_updated() {
    let root = machine();
    put(root.path(), UNIT, "[Service]\n");
    let said = install(root.path(), &format!("tea {BINARY}")).unwrap();
    assert!(said.starts_with("updated "), "{said}");
    assert_eq!(read(root.path(), UNIT), INSTANCE.1);
}

#[test]
fn a_configuration_and_a_token_that_are_there_are_not_touched() {
    let root = machine();
    put(root.path(), "etc/sundown/tea.toml", "handlers = 3\n");
    put(root.path(), "etc/sundown/tea.token", "a secret");
    let said = install(root.path(), &format!("tea {BINARY}")).unwrap();
    assert_eq!(said.matches("kept ").count(), 2, "{said}");
    assert!(!said.contains("/dev/stdin"), "{said}");
    assert_eq!(read(root.path(), "etc/sundown/tea.toml"), "handlers = 3\n");
    assert_eq!(read(root.path(), "etc/sundown/tea.token"), "a secret");
}

#[test]
fn a_link_to_a_configuration_that_is_not_there_yet_is_kept() {
    let root = machine();
    let config = root.path().join("etc/sundown/tea.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    symlink("/elsewhere", &config).unwrap();
    install(root.path(), &format!("tea {BINARY}")).unwrap();
    assert!(config.is_symlink());
}

#[test]
fn the_first_configuration_is_one_and_can_be_read_by_everybody() {
    let root = machine();
    install(root.path(), BINARY).unwrap();
    let path = root.path().join("etc/sundown/sundown.toml");
    crate::config::load(&path).unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o644);
    assert!(
        root.path()
            .join("etc/systemd/system/sundown.service")
            .exists()
    );
}

#[test]
fn a_program_that_the_service_could_not_see_or_start_is_refused() {
    let root = machine();
    for (binary, reason) in [
        ("/home/ada/sundown", "would not see"),
        ("/root/target/release/sundown", "would not see"),
        ("/opt/100%/sundown", "characters"),
        ("/opt/sundown", "there is no"),
    ] {
        let refusal = install(root.path(), &format!("tea --binary {binary}")).unwrap_err();
        assert!(refusal.text.contains(reason), "{binary}: {}", refusal.text);
        assert_eq!(refusal.kind, crate::lifecycle::ExitKind::Usage);
    }
    assert!(!root.path().join("etc").exists());
}

#[test]
fn a_user_has_programs_at_home() {
    let text = printed("print --user tea --binary /home/ada/.cargo/bin/sundown");
    assert!(text.contains("ExecStart=/home/ada/.cargo/bin/sundown run"));
}

#[test]
fn a_name_that_systemd_or_a_path_would_read_otherwise_is_refused() {
    for name in [
        "",
        ".",
        "../x",
        "a/b",
        "a b",
        "a@b",
        "-x",
        "50%",
        "t.2",
        "tée",
        &"x".repeat(24),
    ] {
        assert!(name.parse::<Instance>().is_err(), "{name}");
    }
    for name in ["tea", "tea-room", "x23456789-123456789-123", "0_"] {
        assert!(name.parse::<Instance>().is_ok(), "{name}");
    }
}

#[test]
fn every_drop_in_says_where_it_belongs() {
    for drop_in in DropIn::value_variants() {
        assert!(
            drop_in.file().1.contains("sundown@NAME.service.d/"),
            "{drop_in:?}"
        );
    }
}

#[test]
fn a_unit_that_is_a_link_is_left_alone() {
    let root = machine();
    let unit = root.path().join(UNIT);
    fs::create_dir_all(unit.parent().unwrap()).unwrap();
    symlink("/dev/null", &unit).unwrap(); // As `systemctl mask` makes it.
    let refusal = install(root.path(), &format!("{BINARY} shop")).unwrap_err();
    assert!(refusal.text.contains("it is a link"), "{}", refusal.text);
    assert_eq!(fs::read_link(&unit).unwrap(), Path::new("/dev/null"));
}
