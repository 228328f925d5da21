//! What a power cut may cost: nothing that the server was told to forget.
//!
//! A bot lives under a shim that writes down every change of its state directory, every flush, and every request, in
//! one order. From that log the directory is made as a power cut would have left it at any moment, and the bot starts
//! on it, against a server that has forgotten exactly what it had been told to forget by then. At the moment of the
//! kill that is the server itself; for earlier moments it is another one with the same updates, rewound.
//!
//! A lie detector for the test is in it twice: the log must lead to the very files that are there, and a disk that
//! does not flush the write-ahead log must lose something.

mod disk;

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use fastrand::Rng;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::support::{Ended, Process, Server, TOKEN, example, skip};
use disk::{Files, Log, Luck};

const PEOPLE: i64 = 6;
const UPDATES: i64 = 25 * PEOPLE;
/// What everybody says at last: once it is answered, whatever came before is answered or lost.
const LAST: &str = "last";

/// The shim, compiled; None where this machine has no C compiler.
struct Shim(TempDir);

impl Shim {
    fn compile() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/program/powercut/shim.c");
        let compiled = Command::new("cc")
            .args([
                "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-pthread", "-o",
            ])
            .args([&dir.path().join("shim.so"), &source])
            .status()
            .ok()?;
        assert!(compiled.success(), "{} does not compile", source.display());
        Some(Self(dir))
    }

    fn start(&self, server: &Server, state: &Path, log: &Path) -> Process {
        let mut bot = Command::new(example("powercut"));
        bot.env("TELOXIDE_TOKEN", TOKEN)
            .env("TELOXIDE_API_URL", &server.url)
            .env("STATE_DIRECTORY", state)
            .env("LD_PRELOAD", self.0.path().join("shim.so"))
            .env("POWERCUT_DIR", state)
            .env("POWERCUT_LOG", log);
        Process::start(&mut bot)
    }
}

/// How a bot's life under the shim goes.
#[derive(Clone, Copy, Debug)]
enum Course {
    /// It is killed when so many updates have been sent, of which so many were waiting when it came.
    Killed { waiting: i64, sent: i64 },
    /// It is killed when it has told so many answers, and everything was waiting when it came.
    KilledAtWork { answers: usize },
    /// It answers everything and stops.
    Stopped,
}

/// A life that is over: what was written down, and the server that it leaves.
struct Life {
    log: Log,
    server: Server,
    first_id: i64,
}

impl Life {
    async fn lead(shim: &Shim, course: Course) -> Self {
        let server = Server::start().await;
        let scratch = tempfile::tempdir().unwrap();
        let (state, log) = (scratch.path().join("state"), scratch.path().join("log"));
        fs::create_dir(&state).unwrap();
        let state = state.canonicalize().unwrap();
        let first_id = server.state().await["next_update_id"].as_i64().unwrap();
        let (waiting, sent) = match course {
            Course::Killed { waiting, sent } => (waiting, sent),
            Course::KilledAtWork { .. } => (UPDATES, UPDATES),
            Course::Stopped => (UPDATES / 2, UPDATES),
        };
        send(&server, 0..waiting).await;
        let bot = shim.start(&server, &state, &log);
        bot.wait_for("answered");
        send(&server, waiting..sent).await;
        let stop = match course {
            Course::Killed { .. } => Signal::SIGKILL,
            Course::KilledAtWork { answers } => {
                bot.wait_for_count("answered", answers);
                Signal::SIGKILL
            }
            Course::Stopped => {
                bot.wait_for_count("answered", size(UPDATES));
                Signal::SIGTERM
            }
        };
        bot.signal(stop);
        let ended = bot.end();
        if stop == Signal::SIGTERM {
            ended.assert_code(0);
        } else {
            assert_eq!(
                ended.signal,
                Some(Signal::SIGKILL as i32),
                "{}",
                ended.stderr
            );
        }
        let log = Log::read(&log);
        let life = Self {
            log,
            server,
            first_id,
        };
        life.assert_all_is_written_down(&state).await;
        send(&life.server, sent..UPDATES).await;
        life
    }

    /// The log leads to the files that are there, and knows at least as much as the server.
    async fn assert_all_is_written_down(&self, state: &Path) {
        let whole = Luck {
            sectors: 1.0,
            lies_about: None,
        };
        let at = |cut| shown(self.log.cut(cut, whole, &mut Rng::with_seed(0)));
        let real = shown(read(state));
        // A kill may have come between the last record and what it tells.
        let is_like_the_log =
            real == at(self.log.len()) || real == at(self.log.before_last_change());
        assert!(
            is_like_the_log,
            "the shim has missed something of {:?}",
            real.keys()
        );

        let state = self.server.state().await;
        let forgotten = state["next_update_id"].as_i64().unwrap()
            - state["pending_update_count"].as_i64().unwrap();
        let told = self.log.confirmed_at(self.log.len()).max(self.first_id);
        assert!(
            forgotten <= told,
            "the server forgot up to {forgotten}, and was told {told}"
        );
        let known = self.log.answers_at(self.log.len());
        for answer in answers(&self.server).await {
            assert!(known.contains(&answer), "{answer:?} went past the shim");
        }
    }

    /// A server with what ours had not been told to forget at this moment.
    async fn server_at(&self, cut: usize) -> Server {
        let next = self.log.confirmed_at(cut).max(self.first_id);
        let server = Server::start().await;
        server.next_id(next).await;
        send(&server, next - self.first_id..UPDATES).await;
        server
    }

    /// The next life after a cut at this moment, on a server rewound to it.
    async fn go_on_after(&self, cut: usize, luck: Luck, rng: &mut Rng) -> Verdict {
        let server = self.server_at(cut).await;
        let before = self.log.answers_at(cut);
        recover(&server, &self.log.cut(cut, luck, rng))
            .await
            .assert_code(0);
        Verdict::on(&[before, answers(&server).await].concat())
    }

    /// The next life after a cut at the end of this one, on its own server.
    async fn go_on(&self, luck: Luck, rng: &mut Rng) -> Verdict {
        recover(&self.server, &self.log.cut(self.log.len(), luck, rng))
            .await
            .assert_code(0);
        Verdict::on(&answers(&self.server).await)
    }
}

fn size(count: i64) -> usize {
    usize::try_from(count).unwrap()
}

/// People take turns in writing; the update's text says who wrote it and how many they had written.
async fn send(server: &Server, updates: Range<i64>) {
    for update in updates {
        let (turn, person) = (update / PEOPLE, update % PEOPLE + 1);
        server.say(person, &format!("{person}.{turn}")).await;
    }
}

/// What everybody was answered, the words that are in every answer left away.
async fn answers(server: &Server) -> Vec<String> {
    let mut all = Vec::new();
    for person in 1..=PEOPLE {
        let said = server.answers(person).await;
        all.extend(said.iter().map(|text| text.replace("You said ", "")));
    }
    all
}

async fn recover(server: &Server, files: &Files) -> Ended {
    let state = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(state.path().join(name), content).unwrap();
    }
    let bot = Process::example("powercut", &server.url, state.path());
    for person in 1..=PEOPLE {
        server.say(person, &format!("{person}.{LAST}")).await;
    }
    bot.wait_for_count(LAST, size(PEOPLE));
    bot.signal(Signal::SIGTERM);
    bot.end()
}

fn read(dir: &Path) -> Files {
    let paths: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    paths
        .iter()
        .map(|path| (name(path), fs::read(path).unwrap()))
        .collect()
}

/// The files that are worth a comparison: not the mapped one, and not one that was just made.
fn shown(mut files: Files) -> Files {
    files.retain(|name, content| !name.ends_with("-shm") && !content.is_empty());
    files
}

/// What became of the updates in the end.
#[derive(Debug, Default)]
struct Verdict {
    lost: Vec<String>,
    /// People who were answered something before its turn.
    disordered: Vec<i64>,
    /// Answers beyond the first.
    repeated: usize,
}

impl Verdict {
    fn on(answers: &[String]) -> Self {
        let mut verdict = Self::default();
        for person in 1..=PEOPLE {
            let mut expected: Vec<String> = (0..UPDATES / PEOPLE)
                .map(|turn| format!("{person}.{turn}"))
                .collect();
            expected.push(format!("{person}.{LAST}"));
            let mut first = Vec::new();
            for answer in answers
                .iter()
                .filter(|text| text.starts_with(&format!("{person}.")))
            {
                if first.contains(answer) {
                    verdict.repeated += 1;
                } else {
                    first.push(answer.clone());
                }
            }
            let (answered, lost): (Vec<_>, Vec<_>) =
                expected.into_iter().partition(|text| first.contains(text));
            verdict.lost.extend(lost);
            if first != answered {
                verdict.disordered.push(person);
            }
        }
        verdict
    }
}

#[tokio::test]
async fn after_a_power_cut_every_update_that_was_confirmed_is_answered() {
    let Some(shim) = Shim::compile() else {
        skip("power cuts", "a C compiler (apt install build-essential)");
        return;
    };
    let seed = fastrand::u64(..);
    let mut rng = Rng::with_seed(seed);
    for life in 0..6 {
        let waiting = rng.i64(1..UPDATES);
        let course = match life {
            5 => Course::Stopped,
            _ => Course::Killed {
                waiting,
                sent: rng.i64(waiting..=UPDATES),
            },
        };
        println!("seed {seed}, {course:?}");
        let life = Life::lead(&shim, course).await;
        for (cut, luck) in cuts(&life.log, &mut rng) {
            println!("  cut at {cut} of {}, {luck:?}", life.log.len());
            let began = std::time::Instant::now();
            let verdict = if cut == life.log.len() {
                life.go_on(luck, &mut rng).await
            } else {
                life.go_on_after(cut, luck, &mut rng).await
            };
            println!("    {:?} {verdict:?}", began.elapsed());
            assert!(
                verdict.lost.is_empty() && verdict.disordered.is_empty(),
                "{verdict:?}"
            );
        }
    }
}

/// Moments of a life at which the power goes, the end being one.
fn cuts(log: &Log, rng: &mut Rng) -> Vec<(usize, Luck)> {
    let confirmed = log.confirmations();
    let mut moments = vec![log.len()];
    moments.extend((0..3).map(|_| confirmed[rng.usize(..confirmed.len())].0));
    moments.extend((0..2).map(|_| rng.usize(..log.len())));
    let lucks = [0.0, 0.5, 0.9];
    let luck = |index: usize| Luck {
        sectors: lucks[index % 3],
        lies_about: None,
    };
    moments
        .into_iter()
        .enumerate()
        .map(|(index, cut)| (cut, luck(index)))
        .collect()
}

#[tokio::test]
async fn a_disk_that_does_not_flush_loses_what_was_confirmed() {
    let Some(shim) = Shim::compile() else {
        skip("power cuts", "a C compiler (apt install build-essential)");
        return;
    };
    // More answers than the first call can have brought: the second one has confirmed those.
    let life = Life::lead(&shim, Course::KilledAtWork { answers: 120 }).await;
    let (cut, _) = life.log.confirmations()[0];
    let mut rng = Rng::with_seed(1);
    let mut luck = Luck {
        sectors: 0.0,
        lies_about: None,
    };
    let honest = life.go_on_after(cut, luck, &mut rng).await;
    assert!(honest.lost.is_empty(), "{honest:?}");
    luck.lies_about = Some("-wal");
    let lying = life.go_on_after(cut, luck, &mut rng).await;
    println!("{honest:?} {lying:?}");
    assert!(
        !lying.lost.is_empty(),
        "the test sees no loss where there must be one: {lying:?}"
    );
}
