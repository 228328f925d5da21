//! The two bots: the same handler, under the library and under teloxide's own dispatcher. Each is a process.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use signal_hook_tokio::Signals;
use sundown::lanes::LanesConfig;
use teloxide::RequestError;
use teloxide::dispatching::UpdateHandler;
use teloxide::prelude::*;
use tokio::task::JoinSet;
use tokio_stream::StreamExt;

use super::workload::{Task, Workload};

const TOKEN: &str = "123456789:AAbenchbenchbenchbenchbenchbenchben";

/// Whose bot it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Sundown,
    Teloxide,
}

impl Side {
    pub(crate) const BOTH: [Self; 2] = [Self::Sundown, Self::Teloxide];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sundown => "sundown",
            Self::Teloxide => "teloxide",
        }
    }

    /// What the benchmark's executable is called with to be this bot.
    pub(crate) fn role(self) -> &'static str {
        match self {
            Self::Sundown => "bot-sundown",
            Self::Teloxide => "bot-teloxide",
        }
    }
}

/// Runs a bot against this server until SIGTERM, with the directory it was given as `$STATE_DIRECTORY`.
pub(crate) fn run(side: Side, url: &str, workload: &Workload) -> ExitCode {
    // Standard input ends with the benchmark: a bot that lost its stop must not outlive one that was interrupted.
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(1);
    });
    let bot = Bot::new(TOKEN).set_api_url(url.parse().expect("the server's address"));
    let handler = handler(workload);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        match side {
            Side::Sundown => {
                let mut lanes = LanesConfig::default();
                lanes.concurrency = workload.handlers.unwrap_or(lanes.concurrency);
                let bot = sundown::polling(bot, handler).lanes(lanes);
                bot.run().await.exit_code()
            }
            Side::Teloxide => dispatch(bot, handler).await,
        }
    })
}

/// As teloxide's users do it.
async fn dispatch(bot: Bot, handler: UpdateHandler<RequestError>) -> ExitCode {
    let mut dispatcher = Dispatcher::builder(bot, handler).build();
    let token = dispatcher.shutdown_token();
    let mut signals = Signals::new([signal_hook::consts::SIGTERM]).expect("a signal handler");
    let mut stopping = JoinSet::new();
    stopping.spawn(async move {
        signals.next().await;
        if let Ok(done) = token.shutdown() {
            done.await;
        }
    });
    dispatcher.dispatch().await;
    ExitCode::SUCCESS
}

fn handler(workload: &Workload) -> UpdateHandler<RequestError> {
    let (task, pause, updates) = (workload.task, workload.pause, workload.updates);
    let counted = Arc::new(AtomicUsize::new(0));
    Update::filter_message().endpoint(move |bot: Bot, message: Message| {
        let counted = Arc::clone(&counted);
        async move { handle(&bot, &message, task, pause, updates, &counted).await }
    })
}

async fn handle(
    bot: &Bot,
    message: &Message,
    task: Task,
    pause: Duration,
    updates: usize,
    counted: &AtomicUsize,
) -> Result<(), RequestError> {
    if !pause.is_zero() {
        tokio::time::sleep(pause).await;
    }
    let is_last = || counted.fetch_add(1, Ordering::Relaxed) + 1 == updates;
    if task == Task::Answer || is_last() {
        let text = message.text().unwrap_or_default();
        bot.send_message(message.chat.id, text).await?;
    }
    Ok(())
}
