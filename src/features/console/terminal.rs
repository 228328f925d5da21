//! A terminal that gives each key as it is pressed, and is put back however this ends.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Read, Write};
use std::sync::Arc;

use rustix::io::ioctl_fionbio;
use rustix::process::getpgrp;
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcgetwinsize,
    tcsetattr,
};
use tokio::io::unix::AsyncFd;

use crate::lifecycle::LastWords;

/// The controlling terminal, opened anew: what is set for this descriptor, that it does not block, is not set for the shell's.
pub(super) struct Terminal {
    file: AsyncFd<File>,
    // In this order: put back first, then not to be said any more.
    _restore: Restore,
    _words: LastWords,
}

struct Restore(Arc<Saved>);

struct Saved {
    file: File,
    termios: Termios,
}

impl Saved {
    /// Puts it back; it may be back already. None of the calls waits for a terminal that does not read. In the background it
    /// is somebody else's, and whoever sets it from there is stopped.
    fn put_back(&self) {
        if !is_in_front(&self.file) {
            return;
        }
        let _ = (&self.file).write(b"\r\x1b[K");
        let _ = tcsetattr(&self.file, OptionalActions::Now, &self.termios);
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        self.0.put_back();
    }
}

impl Terminal {
    /// Takes the terminal. With `signals`, Ctrl-C stays the signal that it is; the keys that suspend and that dump core do
    /// nothing in either case. Lines that others write there look as they do otherwise.
    ///
    /// # Errors
    /// Where there is none, or the process is in its background.
    pub(super) fn take(signals: bool) -> io::Result<Self> {
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return Err(io::Error::other("standard input and error are no terminal"));
        }
        let file = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        if !is_in_front(&file) {
            return Err(in_the_background());
        }
        ioctl_fionbio(&file, true)?;
        let termios = tcgetattr(&file)?;
        let saved = Arc::new(Saved {
            file: file.try_clone()?,
            termios: termios.clone(),
        });
        let words = Arc::clone(&saved);
        let words = LastWords::new(move || words.put_back());
        let restore = Restore(saved);
        tcsetattr(&file, OptionalActions::Now, &by_key(termios, signals))?;
        Ok(Self {
            file: watched(file)?,
            _restore: restore,
            _words: words,
        })
    }

    /// How many columns it has; 80 where it does not say.
    pub(super) fn columns(&self) -> usize {
        match tcgetwinsize(self.file.get_ref()) {
            Ok(size) if size.ws_col > 0 => usize::from(size.ws_col),
            _ => 80,
        }
    }

    /// What was typed; nothing at the terminal's end.
    ///
    /// # Cancel safety
    /// Nothing that was typed is lost.
    pub(super) async fn read(&self) -> io::Result<Vec<u8>> {
        let mut bytes = [0; 1_024];
        loop {
            let mut ready = self.file.readable().await?;
            // Whoever reads from the background is stopped, with all that runs here.
            match tcgetpgrp(self.file.get_ref()) {
                Ok(group) if group == getpgrp() => {}
                Ok(_) => return Err(in_the_background()),
                Err(_) => return Err(io::Error::other("it was closed")),
            }
            if let Ok(read) = ready.try_io(|file| file.get_ref().read(&mut bytes)) {
                return Ok(bytes[..read?].to_vec());
            }
        }
    }

    /// What the terminal takes at once; the rest is lost.
    pub(super) fn write_now(&self, bytes: &[u8]) {
        let _ = self.file.get_ref().write(bytes);
    }

    /// Waits for a terminal that does not read; whoever must not wait drops it.
    pub(super) async fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let mut ready = self.file.writable().await?;
            if let Ok(written) = ready.try_io(|file| file.get_ref().write(bytes)) {
                bytes = &bytes[written?..];
            }
        }
        Ok(())
    }
}

/// Whether the terminal is this process's to read and to set. A terminal that is gone is nobody's.
fn is_in_front(terminal: &File) -> bool {
    tcgetpgrp(terminal).is_ok_and(|group| group == getpgrp())
}

fn in_the_background() -> io::Error {
    io::Error::other("the process is in the terminal's background")
}

#[allow(
    deprecated,
    reason = "what takes its place is unsafe, for types whose descriptor can change; a file's does not"
)]
fn watched(file: File) -> io::Result<AsyncFd<File>> {
    AsyncFd::new(file)
}

fn by_key(mut termios: Termios, signals: bool) -> Termios {
    /// A key that there is none of.
    const NONE: u8 = 0;
    let modes = LocalModes::ICANON | LocalModes::ECHO | LocalModes::IEXTEN;
    termios.local_modes.remove(modes);
    termios.local_modes.set(LocalModes::ISIG, signals);
    let codes = &mut termios.special_codes;
    codes[SpecialCodeIndex::VMIN] = 1;
    codes[SpecialCodeIndex::VTIME] = 0;
    codes[SpecialCodeIndex::VSUSP] = NONE;
    codes[SpecialCodeIndex::VQUIT] = NONE;
    termios
}
