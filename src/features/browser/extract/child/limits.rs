//! What the child may use of the machine.

use std::io;

use rustix::process::{
    Resource, Rlimit, Signal, getrlimit, set_parent_process_death_signal, setrlimit,
};

/// Seconds of computing, on all threads together. Less than the parent's deadline, so that a page that keeps its reader
/// busy is told apart from a machine that is.
pub(in super::super) const CPU_SECONDS: u64 = 8;

/// Address space.
pub(in super::super) const MEMORY_MIB: u64 = 1024;

/// Standard input, output and error, and a few for the runtime.
const OPEN_FILES: u64 = 16;

/// Limits this process for good, and has it killed when the thread that started it ends.
///
/// # Errors
/// Where the system refuses one of them.
pub(super) fn set() -> io::Result<()> {
    // Whoever dies before this line leaves a child that reads the end of a pipe, and ends by itself.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The first limit sends SIGXCPU, the second SIGKILL, for whoever survives that.
    lower(Resource::Cpu, CPU_SECONDS, CPU_SECONDS + 1)?;
    lower(Resource::As, MEMORY_MIB << 20, MEMORY_MIB << 20)?;
    lower(Resource::Nofile, OPEN_FILES, OPEN_FILES)?;
    // No core dump: a page would be in it. And no file at all.
    lower(Resource::Core, 0, 0)?;
    lower(Resource::Fsize, 0, 0)
}

/// A limit that is lower already stays.
fn lower(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let limit = getrlimit(resource);
    let least = |wanted: u64, now: Option<u64>| Some(now.map_or(wanted, |now| now.min(wanted)));
    let lowered = Rlimit {
        current: least(soft, limit.current),
        maximum: least(hard, limit.maximum),
    };
    Ok(setrlimit(resource, lowered)?)
}
