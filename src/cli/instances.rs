//! Where the instances of this machine have their sockets, for whoever names one, or none.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use crate::app::console::socket_in;

/// Below these there is a directory for each instance: first those that are there while it runs, then their states.
pub(super) struct Places(Vec<PathBuf>);

impl Places {
    /// Those of the machine's units, and of this user's.
    pub(super) fn of_this_machine() -> Self {
        Self::new(|name| std::env::var_os(name))
    }

    fn new(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let of = |name| variable(name).filter(|value| !value.is_empty());
        let of = |name| of(name).map(PathBuf::from);
        let state = of("XDG_STATE_HOME").or_else(|| Some(of("HOME")?.join(".local/state")));
        let places = [
            Some("/run".into()),
            of("XDG_RUNTIME_DIR"),
            Some("/var/lib".into()),
            state,
        ];
        let ours = |place: PathBuf| place.join("sundown");
        Self(places.into_iter().flatten().map(ours).collect())
    }

    /// Where the socket of the instance of this name is, or may be, for another user's directory does not tell; or all the
    /// places where there is none.
    pub(super) fn find(&self, name: &str) -> Result<PathBuf, Vec<PathBuf>> {
        let sockets: Vec<_> = self
            .0
            .iter()
            .map(|dir| socket_in(&dir.join(name)))
            .collect();
        let may_be_there = |socket: &&PathBuf| match socket.metadata() {
            Ok(_) => true,
            Err(error) => error.kind() == ErrorKind::PermissionDenied,
        };
        match sockets.iter().find(may_be_there) {
            Some(socket) => Ok(socket.clone()),
            None => Err(sockets),
        }
    }

    /// The names of all instances at whose socket somebody listens.
    pub(super) fn names(&self) -> Vec<String> {
        let dirs = self.0.iter().filter_map(|place| place.read_dir().ok());
        let instances = dirs.flatten().flatten().map(|instance| instance.path());
        let names = instances.filter(|dir| UnixStream::connect(socket_in(dir)).is_ok());
        let mut names: Vec<_> = names.filter_map(|dir| name_of(&dir)).collect();
        names.sort();
        names.dedup();
        names
    }
}

fn name_of(dir: &Path) -> Option<String> {
    dir.file_name()?.to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::net::UnixListener;

    use super::*;

    /// A machine with these sockets, at which somebody listens.
    fn machine(sockets: &[&str]) -> (tempfile::TempDir, Places, Vec<UnixListener>) {
        let dir = tempfile::tempdir().unwrap();
        let mut listeners = Vec::new();
        for instance in sockets {
            let instance = dir.path().join(instance);
            fs::create_dir_all(&instance).unwrap();
            listeners.push(UnixListener::bind(socket_in(&instance)).unwrap());
        }
        let places = ["run", "state"].map(|place| dir.path().join(place).join("sundown"));
        (dir, Places(places.into()), listeners)
    }

    #[test]
    fn an_instance_is_found_by_its_name_first_where_it_is_while_it_runs() {
        let (dir, places, _listeners) =
            machine(&["run/sundown/tea", "state/sundown/tea", "state/sundown/42"]);
        let found = |name| places.find(name).unwrap();
        assert_eq!(
            found("tea"),
            dir.path().join("run/sundown/tea/console.sock")
        );
        assert_eq!(
            found("42"),
            dir.path().join("state/sundown/42/console.sock")
        );
        assert_eq!(places.find("milk").unwrap_err().len(), 2);
    }

    #[test]
    fn instances_are_listed_once_and_only_those_that_listen() {
        let (dir, places, _listeners) =
            machine(&["run/sundown/tea", "state/sundown/tea", "state/sundown/42"]);
        let killed = dir.path().join("state/sundown/killed");
        fs::create_dir_all(&killed).unwrap();
        drop(UnixListener::bind(socket_in(&killed)).unwrap());
        assert_eq!(places.names(), ["42", "tea"]);
    }

    #[test]
    fn a_users_own_places_are_looked_at_too() {
        let places = Places::new(|name| (name == "HOME").then(|| "/home/ada".into()));
        let found: Vec<_> = places
            .0
            .iter()
            .map(|place| place.to_str().unwrap())
            .collect();
        assert_eq!(
            found,
            [
                "/run/sundown",
                "/var/lib/sundown",
                "/home/ada/.local/state/sundown"
            ]
        );
    }
}
