//! Which updates are being handled, and which have just been: a file that tells, after this process died, what it was
//! doing.
//!
//! Sixteen bytes for each handler: the opening of the store that it belongs to, and the position of its update, negative
//! once the handler has ended well. They are written before the handler begins and when it ends, and never flushed: what
//! the operating system has been given survives the death of a process, and nobody is to blame for a power cut.
//!
//! So an end is known although its completion had not been committed yet, and a handler runs again only where the process
//! died while it ran. The opening guards against a file that a power cut has left older than the database: positions are
//! given out again when the database has been empty.
//!
//! On a full disk slots are written over in the space that the file has. Where that does not do (more slots than
//! reserved, a file system that copies on write) the handler does not begin.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Pos, Result, path};

const HALF: usize = size_of::<i64>();
const SLOT: usize = 2 * HALF;
/// Bytes of the file from the start: slots for 1,500 handlers and 5,000 ends that are not committed, and some more.
const RESERVED: usize = 8_192 * SLOT;

pub(super) struct Running {
    path: PathBuf,
    file: File,
    epoch: i64,
    slots: Mutex<Slots>,
}

#[derive(Default)]
struct Slots {
    taken: HashMap<Pos, u64>,
    free: Vec<u64>,
    count: u64,
}

/// What a process left that died.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Left {
    /// Updates whose handlers had ended well.
    pub(super) ended: Vec<Pos>,
    /// Updates whose handlers were running.
    pub(super) running: Vec<Pos>,
}

impl Running {
    /// Opens the file for this opening of the store, and returns what the one before it left.
    pub(super) fn open(dir: &Path, epoch: i64) -> Result<(Self, Left)> {
        let file_path = dir.join("running");
        let failed = |error| path("use", &file_path, &error);
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&file_path)
            .map_err(failed)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let left = read(&bytes, epoch - 1);
        let running = Self {
            path: file_path,
            file,
            epoch,
            slots: Mutex::default(),
        };
        Ok((running, left))
    }

    /// Forgets what was left, it has been dealt with; and takes the space that the slots will want, so that a disk which
    /// fills up later has room for them.
    pub(super) fn clear(&self) -> Result<()> {
        self.file
            .write_all_at(&[0; RESERVED], 0)
            .and_then(|()| self.file.set_len(RESERVED as u64))
            .map_err(|error| path("write to", &self.path, &error))
    }

    pub(super) fn begin(&self, pos: Pos) -> Result<()> {
        let slot = {
            let mut slots = self.slots();
            let slot = slots.free.pop().unwrap_or_else(|| {
                slots.count += 1;
                slots.count - 1
            });
            slots.taken.insert(pos, slot);
            slot
        };
        self.write(slot, pos.0).inspect_err(|_| self.release(pos))
    }

    /// The handler has ended well. The slot stays taken: this has to stand in it until the completion is committed.
    pub(super) fn end(&self, pos: Pos) -> Result<()> {
        let slot = self.slots().taken.get(&pos).copied();
        slot.map_or(Ok(()), |slot| self.write(slot, -pos.0))
    }

    /// The handler was broken off: nothing is known of it any more.
    pub(super) fn forget(&self, pos: Pos) -> Result<()> {
        let slot = self.slots().taken.get(&pos).copied();
        let wiped = slot.map_or(Ok(()), |slot| self.write(slot, 0));
        self.release(pos);
        wiped
    }

    /// The completion is committed: what stands in the slot says nothing new, and may be overwritten.
    pub(super) fn release(&self, pos: Pos) {
        let mut slots = self.slots();
        if let Some(slot) = slots.taken.remove(&pos) {
            slots.free.push(slot);
        }
    }

    fn write(&self, slot: u64, mark: i64) -> Result<()> {
        let mut bytes = [0; SLOT];
        bytes[..HALF].copy_from_slice(&self.epoch.to_le_bytes());
        bytes[HALF..].copy_from_slice(&mark.to_le_bytes());
        self.file
            .write_all_at(&bytes, slot * SLOT as u64)
            .map_err(|error| path("write to", &self.path, &error))
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(bytes: &[u8], epoch: i64) -> Left {
    let mut left = Left::default();
    let (halves, _) = bytes.as_chunks::<HALF>();
    for slot in halves.chunks_exact(2) {
        match (i64::from_le_bytes(slot[0]), i64::from_le_bytes(slot[1])) {
            (of, mark) if of == epoch && mark < 0 => left.ended.push(Pos(-mark)),
            (of, mark) if of == epoch && mark > 0 => left.running.push(Pos(mark)),
            _ => {}
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_opening_knows_what_ran_and_what_had_ended() {
        let dir = tempfile::tempdir().unwrap();
        let (running, left) = Running::open(dir.path(), 7).unwrap();
        assert_eq!(left, Left::default());
        for pos in 1..=4 {
            running.begin(Pos(pos)).unwrap();
        }
        running.end(Pos(2)).unwrap();
        running.forget(Pos(3)).unwrap();
        running.begin(Pos(5)).unwrap(); // in a slot that has become free
        running.begin(Pos(6)).unwrap();
        running.end(Pos(4)).unwrap();
        running.release(Pos(4)); // its completion is committed
        running.begin(Pos(7)).unwrap();
        drop(running);
        let (_, left) = Running::open(dir.path(), 8).unwrap();
        assert_eq!(left.ended, [Pos(2)]);
        assert_eq!(left.running, [Pos(1), Pos(5), Pos(7), Pos(6)]);
    }

    #[test]
    fn what_an_earlier_opening_left_does_not_count() {
        let dir = tempfile::tempdir().unwrap();
        let (running, _) = Running::open(dir.path(), 7).unwrap();
        running.begin(Pos(1)).unwrap();
        running.end(Pos(1)).unwrap();
        let (_, left) = Running::open(dir.path(), 9).unwrap();
        assert_eq!(left, Left::default());
    }
}
