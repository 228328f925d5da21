//! Where the instances of this machine have their sockets, for whoever names one, or none.

use std::ffi::OsString;
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

    /// The socket of the instance of this name, or all the places where none was found.
    pub(super) fn find(&self, name: &str) -> Result<PathBuf, Vec<PathBuf>> {
        let sockets: Vec<_> = self
            .0
            .iter()
            .map(|dir| socket_in(&dir.join(name)))
            .collect();
        match sockets.iter().find(|socket| socket.exists()) {
            Some(socket) => Ok(socket.clone()),
            None => Err(sockets),
        }
    }

    /// The names of all instances that have a socket.
    pub(super) fn names(&self) -> Vec<String> {
        let dirs = self.0.iter().filter_map(|place| place.read_dir().ok());
        let instances = dirs.flatten().flatten().map(|instance| instance.path());
        let names = instances.filter(|dir| socket_in(dir).exists());
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

    use super::*;

    /// A machine with these sockets.
    fn machine(sockets: &[&str]) -> (tempfile::TempDir, Places) {
        let dir = tempfile::tempdir().unwrap();
        for instance in sockets {
            let instance = dir.path().join(instance);
            fs::create_dir_all(&instance).unwrap();
            fs::write(socket_in(&instance), "").unwrap();
        }
        let places = ["run", "state"].map(|place| dir.path().join(place).join("sundown"));
        (dir, Places(places.into()))
    }

    #[test]
    fn an_instance_is_found_by_its_name_first_where_it_is_while_it_runs() {
        let (dir, places) = machine(&["run/sundown/tea", "state/sundown/tea", "state/sundown/42"]);
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
    fn instances_are_listed_once_and_only_those_with_a_socket() {
        let (dir, places) = machine(&["run/sundown/tea", "state/sundown/tea", "state/sundown/42"]);
        fs::create_dir_all(dir.path().join("state/sundown/stopped")).unwrap();
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
