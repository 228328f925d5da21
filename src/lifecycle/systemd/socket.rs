//! The datagram socket that a service manager listens on.
//!
//! The protocol is that of `sd_notify(3)`: assignments, a line each, in one datagram. It is spoken here because it is
//! small, and because abstract addresses, clean values and the barrier are all needed.

use std::ffi::OsStr;
use std::io::{self, IoSlice, PipeReader};
use std::os::fd::AsFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, sendmsg_addr,
};

/// A manager that does not read is not waited for.
const PATIENCE: Duration = Duration::from_millis(100);
/// Longer values are cut: nobody reads a status of pages, and a datagram has an end.
const LONGEST_VALUE: usize = 1_000;

/// A way to the service manager.
pub(super) struct Socket {
    socket: UnixDatagram,
    address: Address,
}

struct Address {
    std: SocketAddr,
    rustix: SocketAddrUnix,
}

impl Address {
    fn parse(text: &OsStr) -> io::Result<Self> {
        let bytes = text.as_bytes();
        match bytes.first() {
            Some(b'/') => Ok(Self {
                std: SocketAddr::from_pathname(text)?,
                rustix: SocketAddrUnix::new(text)?,
            }),
            Some(b'@') => Ok(Self {
                std: SocketAddr::from_abstract_name(&bytes[1..])?,
                rustix: SocketAddrUnix::new_abstract_name(&bytes[1..])?,
            }),
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is neither a path nor an abstract name (@…)",
            )),
        }
    }
}

impl Socket {
    /// Opens the way to an address as `$NOTIFY_SOCKET` has it: `/path` or `@abstract`.
    ///
    /// # Errors
    /// Where it is neither, or the system gives no socket.
    pub(super) fn open(address: &OsStr) -> io::Result<Self> {
        let address = Address::parse(address)?;
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { socket, address })
    }

    /// Sends assignments in one datagram.
    ///
    /// # Errors
    /// Where the manager is gone, or does not read.
    pub(super) fn send(&self, assignments: &[(&str, &str)]) -> io::Result<()> {
        let lines = assignments
            .iter()
            .map(|(name, value)| format!("{name}={}\n", clean(value)));
        let text: String = lines.collect();
        self.socket
            .send_to_addr(text.as_bytes(), &self.address.std)?;
        Ok(())
    }

    /// Waits until the manager has read everything that was sent, and no longer than this: what is sent in a process's last
    /// moments is lost otherwise, because the manager cannot tell any more whose it is.
    ///
    /// # Errors
    /// Where the manager does not take part.
    pub(super) fn barrier(&self, patience: Duration) -> io::Result<()> {
        let (done, held) = io::pipe()?;
        let fds = [held.as_fd()];
        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        ancillary.push(SendAncillaryMessage::ScmRights(&fds));
        sendmsg_addr(
            &self.socket,
            &self.address.rustix,
            &[IoSlice::new(b"BARRIER=1\n")],
            &mut ancillary,
            SendFlags::empty(),
        )?;
        drop(held);
        wait_for_end(&done, patience)
    }
}

/// Until the other side has closed its end.
fn wait_for_end(pipe: &PipeReader, patience: Duration) -> io::Result<()> {
    let mut fds = [PollFd::new(pipe, PollFlags::IN)];
    let patience = Timespec::try_from(patience).map_err(io::Error::other)?;
    match poll(&mut fds, Some(&patience))? {
        0 => Err(io::ErrorKind::TimedOut.into()),
        _ => Ok(()),
    }
}

/// A value that stays one line: what follows a line's end would be an assignment of its own.
fn clean(value: &str) -> String {
    let one_line = |c: char| if c.is_control() { ' ' } else { c };
    let mut end = LONGEST_VALUE.min(value.len());
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    value[..end].chars().map(one_line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(at: &UnixDatagram) -> String {
        let mut bytes = [0; 4096];
        let count = at.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..count].to_vec()).unwrap()
    }

    #[test]
    fn assignments_go_to_a_path_and_to_an_abstract_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let at_path = UnixDatagram::bind(&path).unwrap();
        let name = format!("sundown-test-{}", std::process::id());
        let abstract_name = SocketAddr::from_abstract_name(&name).unwrap();
        let at_name = UnixDatagram::bind_addr(&abstract_name).unwrap();
        for (at, address) in [
            (at_path, path.into_os_string()),
            (at_name, format!("@{name}").into()),
        ] {
            let socket = Socket::open(&address).unwrap();
            socket
                .send(&[("READY", "1"), ("STATUS", "polling")])
                .unwrap();
            assert_eq!(received(&at), "READY=1\nSTATUS=polling\n");
        }
    }

    #[test]
    fn a_value_cannot_bring_assignments_of_its_own() {
        assert_eq!(clean("a\nWATCHDOG=trigger\r\0b"), "a WATCHDOG=trigger  b");
        assert_eq!(clean(&"é".repeat(2_000)).len(), LONGEST_VALUE);
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        for odd in ["", "vsock:2:1234", "relative/path"] {
            assert!(Socket::open(OsStr::new(odd)).is_err(), "{odd:?}");
        }
    }

    #[test]
    fn a_barrier_ends_when_what_was_sent_is_read_and_after_its_patience() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let at = UnixDatagram::bind(&path).unwrap();
        let socket = Socket::open(path.as_os_str()).unwrap();
        let error = socket.barrier(Duration::from_millis(20)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        // A plain read drops the descriptor that came along, which is how a manager answers.
        assert_eq!(received(&at), "BARRIER=1\n");
        let reads = std::thread::spawn(move || received(&at));
        socket.barrier(Duration::from_secs(20)).unwrap();
        assert_eq!(reads.join().unwrap(), "BARRIER=1\n");
    }

    #[test]
    fn a_manager_that_is_gone_is_an_error_and_no_wait() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        drop(UnixDatagram::bind(&path).unwrap());
        let socket = Socket::open(path.as_os_str()).unwrap();
        assert!(socket.send(&[("READY", "1")]).is_err());
    }
}
