//! A process group that ends with whoever holds it.

use std::io;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Child;

/// The process group of a child that was started with `process_group(0)`, killed once: when told, or when this is dropped.
///
/// Held beside the child, and declared before it: fields are dropped in that order, and once the child has been waited for
/// the number stays the group's only as long as there is somebody in it.
#[derive(Debug)]
pub(crate) struct ProcessGroup(Option<Pid>);

impl ProcessGroup {
    /// # Errors
    /// Where the child has been waited for already.
    pub(crate) fn of(child: &Child) -> io::Result<Self> {
        let pid = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
        pid.map(|pid| Self(Some(pid)))
            .ok_or_else(|| io::Error::other("it has no process number"))
    }

    /// Sends SIGKILL to everybody in it. Who has left the group (`setsid`) is not reached.
    pub(crate) fn kill(&mut self) {
        if let Some(group) = self.0.take() {
            // An error says that there is nobody left in it, which is what is wanted.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;
    use std::time::Duration;

    use tokio::io::AsyncReadExt;
    use tokio::process::Command;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn everybody_in_the_group_ends_with_it() {
        let mut child = Command::new("sh")
            .args(["-c", "sleep 1000 & echo go; wait"])
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let group = ProcessGroup::of(&child).unwrap();
        let mut output = child.stdout.take().unwrap();
        let mut said = [0; 3];
        output.read_exact(&mut said).await.unwrap();
        drop(group);
        // The pipe ends when the last of those who hold it has.
        let mut rest = Vec::new();
        let ended = timeout(Duration::from_secs(20), output.read_to_end(&mut rest)).await;
        assert_eq!(ended.expect("nobody is left").unwrap(), 0);
        assert!(!child.wait().await.unwrap().success());
    }

    #[tokio::test]
    async fn a_child_that_was_waited_for_has_no_group() {
        let mut child = Command::new("true").process_group(0).spawn().unwrap();
        child.wait().await.unwrap();
        assert!(ProcessGroup::of(&child).is_err());
    }
}
