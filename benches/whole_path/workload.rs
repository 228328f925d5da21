//! What is asked of a bot in one trial.

use std::time::Duration;

/// When the updates become available at the server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// All of them wait when the bot comes.
    Backlog,
    /// One every so often, from the bot's first long poll on.
    Every(Duration),
}

/// What a handler does with an update.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// Sends the text back.
    Answer,
    /// Counts it; the last one of all is answered.
    Count,
}

/// When the bot is sent SIGTERM.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// All is answered, and the bot has polled for a while without getting anything.
    Idle,
    /// All was handed out this long ago.
    Running(Duration),
    /// So many are answered, and the rest waits.
    Answered(usize),
}

/// One workload.
#[derive(Clone, Copy)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) updates: usize,
    pub(crate) chats: usize,
    pub(crate) arrival: Arrival,
    pub(crate) task: Task,
    /// How long a handler sleeps first.
    pub(crate) pause: Duration,
    /// Handlers that Sundown runs at the same time, where that is not its default; teloxide has no limit.
    pub(crate) handlers: Option<usize>,
    pub(crate) stop: Stop,
    /// Whether the figures of handling are worth a line, or the start's and the stop's alone.
    pub(crate) is_load: bool,
    /// Whether the bot has run once before, so that its state directory is there.
    pub(crate) is_again: bool,
}

const BACKLOG: Workload = Workload {
    name: "",
    updates: 0,
    chats: 0,
    arrival: Arrival::Backlog,
    task: Task::Answer,
    pause: Duration::ZERO,
    handlers: None,
    stop: Stop::Idle,
    is_load: true,
    is_again: false,
};

/// The workloads; each question is its name. `quick` asks less of each.
pub(crate) fn workloads(quick: bool) -> Vec<Workload> {
    let of = |full: usize, small: usize| if quick { small } else { full };
    let ms = Duration::from_millis;
    let stop = Workload {
        is_load: false,
        ..BACKLOG
    };
    vec![
        Workload {
            name: "backlog, answered",
            updates: of(50_000, 2_000),
            chats: of(1_000, 100),
            ..BACKLOG
        },
        Workload {
            name: "backlog, counted",
            updates: of(50_000, 2_000),
            chats: of(1_000, 100),
            task: Task::Count,
            ..BACKLOG
        },
        Workload {
            name: "handlers of 100 ms",
            updates: of(20_000, 1_000),
            chats: of(20_000, 1_000),
            pause: ms(100),
            ..BACKLOG
        },
        Workload {
            name: "handlers of 100 ms, 10,000 at once",
            updates: of(20_000, 1_000),
            chats: of(20_000, 1_000),
            pause: ms(100),
            handlers: Some(10_000),
            ..BACKLOG
        },
        Workload {
            name: "200 updates a second",
            updates: of(2_000, 200),
            chats: 100,
            arrival: Arrival::Every(ms(5)),
            ..BACKLOG
        },
        Workload {
            name: "start again, stop while idle",
            updates: 0,
            chats: 1,
            is_again: true,
            ..stop
        },
        Workload {
            name: "stop with 100 handlers of 500 ms",
            updates: 100,
            chats: 100,
            pause: ms(500),
            stop: Stop::Running(ms(150)),
            ..stop
        },
        Workload {
            name: "stop with a backlog, handlers of 20 ms",
            updates: of(50_000, 10_000),
            chats: of(1_000, 100),
            pause: ms(20),
            stop: Stop::Answered(of(2_000, 500)),
            ..stop
        },
    ]
}
