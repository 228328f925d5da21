//! One trial: a server, a bot's process, the figures of both.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::MutexGuard;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, SysconfVar, sysconf};

use super::bots::Side;
use super::record::{Record, Times};
use super::server::Server;
use super::workload::{Arrival, Stop, Task, Workload};

/// No trial takes nearly as long.
const PATIENCE: Duration = Duration::from_secs(180);
/// A bot that has not gone so long after SIGTERM is killed; in a quick run, sooner.
const STOP_MAX: Duration = Duration::from_secs(60);
const STOP_MAX_QUICK: Duration = Duration::from_secs(3);
/// How long an idle bot's poll has been open before the bot is stopped.
const IDLE: Duration = Duration::from_millis(500);

/// Flushes that are timed.
const FLUSHES: usize = 1_000;

/// What one trial gave. None where the workload does not ask it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) per_second: Option<f64>,
    /// CPU seconds of the bot per 1,000 updates, its start included.
    pub(crate) cpu: Option<f64>,
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
    pub(crate) peak_mb: Option<f64>,
    /// What one flush of a commit's size takes on the bot's disk, just after.
    pub(crate) flush_p50_ms: Option<f64>,
    pub(crate) flush_p99_ms: Option<f64>,
    /// From the start of the process to its first getUpdates at the server.
    pub(crate) start_ms: Option<f64>,
    /// From SIGTERM to the end.
    pub(crate) stop_ms: Option<f64>,
    /// The server's share of one core meanwhile: where it is near 1, the server was measured.
    pub(crate) server_load: f64,
    pub(crate) answered: usize,
    pub(crate) repeated: usize,
    pub(crate) overtaken: usize,
    pub(crate) was_killed: bool,
    /// Whether a long poll was open when the trial was over: a bot that was killed had not heard of the stop.
    pub(crate) still_polled: bool,
}

/// Runs one bot through one workload.
pub(crate) fn trial(side: Side, number: usize, workload: &Workload) -> io::Result<Figures> {
    let state = tempfile::tempdir()?;
    if workload.is_again {
        run(side, number, workload, state.path())?;
    }
    run(side, number, workload, state.path())
}

fn run(side: Side, number: usize, workload: &Workload, state: &Path) -> io::Result<Figures> {
    let server = Server::start(workload)?;
    let (began, server_cpu) = (Instant::now(), cpu_seconds("self")?);
    let mut bot = Bot(Command::new(std::env::current_exe()?)
        .args([side.role(), &server.url, &number.to_string()])
        .args(super::is_quick().then_some("--quick"))
        .env("STATE_DIRECTORY", state)
        .env_remove("RUST_LOG")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?);
    let due = bot.wait_until_due(&server, workload)?;
    let mut figures = Figures {
        server_load: (cpu_seconds("self")? - server_cpu) / began.elapsed().as_secs_f64(),
        ..Figures::default()
    };
    if workload.is_load {
        let pid = bot.0.id().to_string();
        let updates = figure(workload.updates);
        figures.cpu = Some(cpu_seconds(&pid)? / updates * 1_000.0);
        figures.peak_mb = Some(peak_mb(&pid)?);
        load(&due, workload, &mut figures);
    }
    drop(due);
    if workload.stop == Stop::Idle {
        wait_until(|| {
            server
                .record()
                .held_since
                .is_some_and(|at| at.elapsed() > IDLE)
        })?;
    }
    stop(&mut bot, &server, &mut figures)?;
    if workload.arrival != Arrival::Backlog {
        (figures.flush_p50_ms, figures.flush_p99_ms) = percentiles(flushes(state)?);
    }
    let record = server.record();
    if workload.is_again {
        let start = record.polled_first.map(|at| at.duration_since(began));
        figures.start_ms = start.map(|start| start.as_secs_f64() * 1_000.0);
    }
    figures.answered = record.answered;
    figures.repeated = record.repeated;
    figures.overtaken = record.overtaken;
    Ok(figures)
}

/// Throughput and latency.
fn load(record: &Record, workload: &Workload, figures: &mut Figures) {
    let first = record
        .times
        .iter()
        .filter_map(|times| times.handed_out)
        .min();
    if let (Some(first), Some(last)) = (first, record.answered_last) {
        figures.per_second = Some(figure(workload.updates) / (last - first).as_secs_f64());
    }
    if workload.task == Task::Count {
        return;
    }
    // A backlog is available all at once; what a bot adds to that is counted from where it has got the update.
    let begin = |times: &Times| match workload.arrival {
        Arrival::Backlog => times.handed_out,
        Arrival::Every(_) => times.available,
    };
    let latency = |times: &Times| Some((times.answered? - begin(times)?).as_secs_f64() * 1_000.0);
    let latencies: Vec<f64> = record.times.iter().filter_map(latency).collect();
    (figures.p50_ms, figures.p99_ms) = percentiles(latencies);
}

fn percentiles(mut times: Vec<f64>) -> (Option<f64>, Option<f64>) {
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times.get(times.len() * share / 100).copied();
    (at(50), at(99))
}

/// Flushes as the store does for one update, a few pages each.
fn flushes(dir: &Path) -> io::Result<Vec<f64>> {
    let mut file = File::create(dir.join("flushes"))?;
    let flush = |_| {
        file.write_all(&[1; 3 * 4_096])?;
        let began = Instant::now();
        file.sync_all()?;
        Ok(began.elapsed().as_secs_f64() * 1_000.0)
    };
    (0..FLUSHES).map(flush).collect()
}

fn stop(bot: &mut Bot, server: &Server, figures: &mut Figures) -> io::Result<()> {
    let max = if super::is_quick() {
        STOP_MAX_QUICK
    } else {
        STOP_MAX
    };
    let asked = Instant::now();
    let pid = Pid::from_raw(i32::try_from(bot.0.id()).expect("a process id"));
    kill(pid, Signal::SIGTERM)?;
    let status = loop {
        if let Some(status) = bot.0.try_wait()? {
            break Some(status);
        }
        if asked.elapsed() > max {
            break None;
        }
        sleep(Duration::from_millis(1));
    };
    figures.stop_ms = Some(asked.elapsed().as_secs_f64() * 1_000.0);
    figures.still_polled = server.record().held_since.is_some();
    figures.was_killed = status.is_none();
    match status {
        Some(status) if !status.success() => {
            Err(io::Error::other(format!("the bot ended with {status}")))
        }
        _ => Ok(()),
    }
}

/// A bot's process. Dropped, it is killed.
struct Bot(Child);

impl Bot {
    /// Waits until it is time to stop the bot, and returns what the server knows at that moment.
    fn wait_until_due<'a>(
        &mut self,
        server: &'a Server,
        workload: &Workload,
    ) -> io::Result<MutexGuard<'a, Record>> {
        let all = match workload.task {
            Task::Answer => workload.updates,
            Task::Count => 1,
        };
        wait_until(|| {
            if let Ok(Some(status)) = self.0.try_wait() {
                panic!("the bot ended by itself: {status}");
            }
            let record = server.record();
            match workload.stop {
                Stop::Idle => record.answered == all,
                Stop::Running(_) => record.handed_out == workload.updates,
                Stop::Answered(count) => record.answered >= count,
            }
        })?;
        if let Stop::Running(time) = workload.stop {
            sleep(time);
        }
        Ok(server.record())
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait_until(mut is_so: impl FnMut() -> bool) -> io::Result<()> {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        if Instant::now() > until {
            return Err(io::Error::other("the trial took too long"));
        }
        sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// User and system time of a process, in steps of 10 ms.
fn cpu_seconds(process: &str) -> io::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name in brackets may hold anything.
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    let fields = behind_name.split_whitespace().skip(11).take(2);
    let ticks: f64 = fields.filter_map(|field| field.parse::<f64>().ok()).sum();
    let per_second = sysconf(SysconfVar::CLK_TCK)?.unwrap_or(100);
    Ok(ticks / figure(usize::try_from(per_second).unwrap_or(100)))
}

fn peak_mb(process: &str) -> io::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kb = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kb.map(|kb| kb / 1_024.0)
        .ok_or_else(|| io::Error::other("no VmHWM"))
}

/// A count among figures.
pub(crate) fn figure(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
