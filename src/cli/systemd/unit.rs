//! The texts of the units, and what is adapted in them.

use std::env;
use std::path::{Path, PathBuf, absolute};
use std::str::FromStr;

use super::Refusal;
use crate::lifecycle::ExitKind;

/// A file's name and its text.
pub(super) type File = (&'static str, &'static str);

pub(super) const ONE: File = (
    "sundown.service",
    include_str!("../../../systemd/sundown.service"),
);
pub(super) const INSTANCE: File = (
    "sundown@.service",
    include_str!("../../../systemd/sundown@.service"),
);
pub(super) const WINDOW: File = (
    "sundown-window@.service",
    include_str!("../../../systemd/sundown-window@.service"),
);
pub(super) const TIMER: File = (
    "sundown-window@.timer",
    include_str!("../../../systemd/sundown-window@.timer"),
);

/// Where the program is in the texts.
const PROGRAM: &str = "/usr/local/bin/sundown";
/// The name of a user has 31 characters at most.
const INSTANCE_MAX: usize = 31 - "sundown-".len();
/// How a paragraph begins that a user's manager cannot carry out.
const SYSTEM_ONLY: &str = "# System manager only:";
/// What a system service does not see of the machine: homes are hidden, and it has temporary folders of its own.
const HIDDEN: [&str; 5] = ["/home", "/root", "/run/user", "/tmp", "/var/tmp"];

/// Something that is not always wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum DropIn {
    /// Telegram's networks and this machine, and nothing else
    IpAllowList,
    /// What a Chromium needs that the bot starts
    Chromium,
}

impl DropIn {
    pub(super) fn file(self) -> File {
        match self {
            Self::IpAllowList => (
                "ip-allow-list.conf",
                include_str!("../../../systemd/drop-ins/ip-allow-list.conf"),
            ),
            Self::Chromium => (
                "chromium.conf",
                include_str!("../../../systemd/drop-ins/chromium.conf"),
            ),
        }
    }
}

/// Whose service manager it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manager {
    System,
    User,
}

impl Manager {
    /// Where an administrator's, or a user's, own units are.
    pub(super) fn units(self) -> Result<PathBuf, Refusal> {
        Ok(match self {
            Self::System => PathBuf::from("/etc/systemd/system"),
            Self::User => user_config()?.join("systemd/user"),
        })
    }

    /// Where configurations and tokens are: `%E/sundown` in the units.
    pub(super) fn configuration(self) -> Result<PathBuf, Refusal> {
        Ok(match self {
            Self::System => PathBuf::from("/etc/sundown"),
            Self::User => user_config()?.join("sundown"),
        })
    }
}

fn user_config() -> Result<PathBuf, Refusal> {
    let dir_of = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|dir| dir.is_absolute())
    };
    dir_of("XDG_CONFIG_HOME")
        .or_else(|| Some(dir_of("HOME")?.join(".config")))
        .ok_or_else(|| {
            Refusal::new(
                ExitKind::Usage,
                "where is your configuration? Neither $XDG_CONFIG_HOME nor $HOME is an absolute path",
            )
        })
}

/// A name that can be part of a unit's name, a file's and, behind `sundown-`, a user's without being escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Instance(String);

impl Instance {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Instance {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        let begins_well = name.starts_with(|c: char| c.is_ascii_alphanumeric());
        if begins_well && name.len() <= INSTANCE_MAX && name.chars().all(is_plain) {
            Ok(Self(name.to_owned()))
        } else {
            Err(
                "a name is up to 23 letters, digits, hyphens and underscores, and begins with a letter or digit",
            )
        }
    }
}

/// The path of the program that a unit runs.
#[derive(Debug)]
pub(super) struct Program(String);

impl Program {
    /// The one that is named, or the one that runs.
    pub(super) fn new(path: Option<PathBuf>, manager: Manager) -> Result<Self, Refusal> {
        let refuse = |text| Err(Refusal::new(ExitKind::Usage, text));
        let found = path.map_or_else(env::current_exe, absolute);
        let path = match found {
            Ok(path) => path,
            Err(error) => {
                return refuse(format!(
                    "cannot find out where this program is ({error}); name it with --binary"
                ));
            }
        };
        let shown = path.display();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._+-".contains(c);
        let Some(text) = path.to_str().filter(|text| text.chars().all(is_plain)) else {
            return refuse(format!(
                "the path {shown} has characters that mean something to systemd; put the program elsewhere, and name it with --binary"
            ));
        };
        if manager == Manager::System && HIDDEN.iter().any(|hidden| path.starts_with(hidden)) {
            return refuse(format!(
                "the service would not see {shown}: homes and temporary folders are hidden from it. Put the program elsewhere, as with `install {shown} /usr/local/bin/`, and name it with --binary {PROGRAM}"
            ));
        }
        Ok(Self(text.to_owned()))
    }

    pub(super) fn path(&self) -> &Path {
        Path::new(&self.0)
    }
}

/// A text as this manager can carry it out, with this program in it.
pub(super) fn adapt(text: &str, manager: Manager, program: &Program) -> String {
    let text = text.replace(PROGRAM, &program.0);
    match manager {
        Manager::System => text,
        Manager::User => {
            let paragraphs = text
                .split("\n\n")
                .filter(|paragraph| !paragraph.starts_with(SYSTEM_ONLY));
            paragraphs
                .collect::<Vec<_>>()
                .join("\n\n")
                .replace("WantedBy=multi-user.target", "WantedBy=default.target")
        }
    }
}
