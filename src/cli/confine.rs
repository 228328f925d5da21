//! `sundown confine`: becomes another program, within limits that only a process can set on itself.
//!
//! It is how the bot starts Chromium. `unsafe` is forbidden here, and with it code between fork and exec; so the limits are
//! set by a program of its own, which is this one.

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{
    Pid, Resource, Rlimit, Signal, getppid, getrlimit, nice, set_parent_process_death_signal,
    setrlimit,
};
use rustix::thread::{Gid, Uid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

use super::Refusal;
use crate::lifecycle::ExitKind;

/// No file grows past this, so that a page cannot fill the disk with one.
const FILE_BYTES: u64 = 1024 * 1024 * 1024;

/// Who goes first where memory runs out: between 0, like everybody, and 1000, at once.
const OUT_OF_MEMORY_SCORE: &str = "500";

/// How far it stands back for this program and for all else: where processors are scarce, a page takes a tenth of what an
/// equal would get, and two that compute for ever delay an answer of the bot's by milliseconds.
const NICE: i32 = 10;

/// Run a program that dies with the one that starts it
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The process it dies with; it must be the one that starts this
    #[arg(long, value_name = "PID")]
    parent: i32,
    /// Run it as this user and group, which takes root
    #[arg(long, value_name = "ID")]
    user: Option<u32>,
    /// The program and its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// Does not return where it goes well: the process is the other program then.
pub(super) fn run(args: Args) -> Result<(), Refusal> {
    // Before the user is another one, who may not.
    let _ = fs::write("/proc/self/oom_score_adj", OUT_OF_MEMORY_SCORE);
    // A unit's sandbox may forbid it.
    let _ = nice(NICE);
    limit(Resource::Core, 0).map_err(|error| refuse("limit core dumps", error))?;
    limit(Resource::Fsize, FILE_BYTES).map_err(|error| refuse("limit files", error))?;
    if let Some(id) = args.user {
        become_user(id).map_err(|error| refuse(&format!("run as user {id}"), error))?;
    }
    // After the user, for a change of that forgets the signal.
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| refuse("be told of the parent's death", error))?;
    // It may have died before there was somebody to tell.
    if getppid().map(Pid::as_raw_pid) != Some(args.parent) {
        let text = format!(
            "cannot confine a program: process {} is not this one's parent",
            args.parent
        );
        return Err(Refusal::new(ExitKind::Usage, text));
    }
    let mut command = args.command.iter();
    let program = command.next().cloned().unwrap_or_default();
    let error = Command::new(&program).args(command).exec();
    Err(refuse(&format!("run {}", program.display()), error))
}

fn limit(resource: Resource, most: u64) -> rustix::io::Result<()> {
    let now = getrlimit(resource);
    let most = now.maximum.map_or(most, |maximum| maximum.min(most));
    setrlimit(
        resource,
        Rlimit {
            current: Some(most),
            maximum: Some(most),
        },
    )
}

/// For the whole process, which has no other thread yet.
fn become_user(id: u32) -> rustix::io::Result<()> {
    let (user, group) = (Uid::from_raw(id), Gid::from_raw(id));
    set_thread_groups(&[group])?;
    set_thread_res_gid(group, group, group)?;
    set_thread_res_uid(user, user, user)
}

fn refuse(what: &str, error: impl std::fmt::Display) -> Refusal {
    Refusal::new(ExitKind::Software, format!("cannot {what}: {error}"))
}
