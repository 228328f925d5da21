//! Writing the units, and telling what has been written.

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::unit::{self, Manager, Program};
use super::{Refusal, What};
use crate::lifecycle::ExitKind;

/// What the files are written below: the machine itself, or a folder that will be one's root.
#[derive(Debug)]
pub(super) struct Root(Option<PathBuf>);

impl Root {
    /// # Errors
    /// Where the folder is none.
    pub(super) fn new(dir: Option<PathBuf>) -> Result<Self, Refusal> {
        match dir {
            Some(dir) if !dir.is_dir() => Err(Refusal::new(
                ExitKind::Usage,
                format!("--root {} is no folder", dir.display()),
            )),
            dir => Ok(Self(dir)),
        }
    }

    /// Where this path of the machine is.
    fn place(&self, path: &Path) -> PathBuf {
        match &self.0 {
            None => path.to_owned(),
            Some(root) => root.join(path.strip_prefix("/").unwrap_or(path)),
        }
    }
}

/// What has become of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Written,
    Updated,
    Unchanged,
    Kept,
    Missing,
}

impl Fate {
    fn word(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Kept => "kept",
            Self::Missing => "missing",
        }
    }
}

/// Writes what is missing or outdated; returns what there is to say.
pub(super) fn install(what: &What, root: &Root) -> Result<String, Refusal> {
    let manager = what.manager();
    let program = Program::new(what.binary.clone(), manager)?;
    if !root.place(program.path()).exists() {
        let text = format!(
            "there is no {}: put the program there first, or name another with --binary",
            root.place(program.path()).display()
        );
        return Err(Refusal::new(ExitKind::Usage, text));
    }
    let mut fates = Vec::new();
    let folder = manager.units()?;
    for (name, text) in what.files() {
        let path = root.place(&folder.join(name));
        let fate = bring_up_to_date(&path, &unit::adapt(text, manager, &program))
            .map_err(|error| cannot_write(&path, &error, manager))?;
        fates.push((fate, path));
    }
    let folder = manager.configuration()?;
    let name = what.instance();
    let config = root.place(&folder.join(format!("{name}.toml")));
    let fate = write_once(&config, &first_configuration(name))
        .map_err(|error| cannot_write(&config, &error, manager))?;
    fates.push((fate, config));
    let token = root.place(&folder.join(format!("{name}.token")));
    // A link that leads nowhere yet is somebody's intention, too.
    let fate = match fs::symlink_metadata(&token) {
        Ok(_) => Fate::Kept,
        Err(_) => Fate::Missing,
    };
    fates.push((fate, token));
    Ok(tell(what, root, &fates))
}

fn tell(what: &What, root: &Root, fates: &[(Fate, PathBuf)]) -> String {
    let mut text = String::new();
    for (fate, path) in fates {
        let _ = writeln!(text, "{:<10} {}", fate.word(), path.display());
    }
    let has = |wanted| fates.iter().any(|(fate, _)| *fate == wanted);
    let (user, unit) = (if what.user { "--user " } else { "" }, what.unit());
    text += "\nNext:\n";
    for (_, path) in fates.iter().filter(|(fate, _)| *fate == Fate::Missing) {
        let path = path.display();
        let _ = writeln!(
            text,
            "  install -m 600 /dev/stdin {path}   # then the token, Enter, Ctrl-D"
        );
    }
    if let Some(root) = &root.0 {
        let root = root.display();
        let global = if what.user { "--global " } else { "" };
        let _ = writeln!(text, "  systemctl {global}--root={root} enable {unit}");
        return text;
    }
    let _ = writeln!(text, "  systemctl {user}daemon-reload");
    let _ = writeln!(text, "  systemctl {user}enable --now {unit}");
    if has(Fate::Updated) {
        let service = what.service();
        let _ = writeln!(
            text,
            "  systemctl {user}try-restart {service}   # where it runs already"
        );
    }
    if what.manager() == Manager::User {
        text += "  loginctl enable-linger   # so that it also runs while you are not logged in\n";
    }
    text
}

fn bring_up_to_date(path: &Path, text: &str) -> io::Result<Fate> {
    if fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) {
        return Err(io::Error::other(
            "it is a link: a masked unit, or a file that is kept elsewhere; remove it first (`systemctl unmask`)",
        ));
    }
    let fate = match fs::read(path) {
        Ok(old) if old == text.as_bytes() => return Ok(Fate::Unchanged),
        Ok(_) => Fate::Updated,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Fate::Written,
        Err(error) => return Err(error),
    };
    let file = whole(path, text)?;
    file.persist(path)?;
    Ok(fate)
}

fn write_once(path: &Path, text: &str) -> io::Result<Fate> {
    if fs::symlink_metadata(path).is_ok() {
        return Ok(Fate::Kept);
    }
    match whole(path, text)?.persist_noclobber(path) {
        Ok(_) => Ok(Fate::Written),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(Fate::Kept),
        Err(error) => Err(error.error),
    }
}

/// A file beside its place, for a unit that is half there would be read as a whole one. The service's user must be able to
/// read it, whatever the umask is.
fn whole(path: &Path, text: &str) -> io::Result<tempfile::NamedTempFile> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    if !folder.is_dir() {
        fs::create_dir_all(folder)?;
        fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    }
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file()
        .set_permissions(Permissions::from_mode(0o644))?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn first_configuration(name: &str) -> String {
    format!(
        "# Options of the bot {name}; `sundown run --help` tells what there is. Everybody may read this file: the token is in\n\
         # {name}.token beside it.\n\
         \n\
         # The chat that is told when the bot stops:\n\
         # operator_chat = 123456789\n"
    )
}

fn cannot_write(path: &Path, error: &io::Error, manager: Manager) -> Refusal {
    let is_denied = error.kind() == io::ErrorKind::PermissionDenied;
    let (kind, hint) = match (is_denied, manager) {
        (true, Manager::System) => (
            ExitKind::Permission,
            "; run it as root, or install for your own service manager with --user",
        ),
        (true, Manager::User) => (ExitKind::Permission, "; is the folder yours?"),
        (false, _) => (ExitKind::StateIo, ""),
    };
    Refusal::new(
        kind,
        format!("cannot write {}: {error}{hint}", path.display()),
    )
}
