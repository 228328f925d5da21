//! The prompt beside the running bot, as a supervised service.

use std::io;
use std::path::PathBuf;

use futures::StreamExt;
use tracing::warn;

use super::execute::Console;
use super::history::History;
use super::prompt::{Left, Prompt};
use super::session;
use super::terminal::Terminal;
use crate::lifecycle::{Failure, Service, ServiceContext};

/// The operator's prompt on the process's own terminal. Without a terminal there is none, and a warning says so.
#[derive(Clone)]
pub struct LocalPrompt {
    console: Console,
    history: PathBuf,
}

impl LocalPrompt {
    /// With a history in this file.
    #[must_use]
    pub fn new(console: Console, history: PathBuf) -> Self {
        Self { console, history }
    }

    fn prompt(&self) -> io::Result<(Prompt, impl Future<Output = ()> + Send, Box<dyn Send>)> {
        let terminal = Terminal::take(true)?;
        let lines = &self.console.0.lines;
        // First followed, then diverted: no line falls between the two.
        let following = (lines.follow)();
        let diverted = (lines.divert)();
        let (session, serving) = session::open(self.console.clone());
        let history = History(Some(self.history.clone()));
        let prompt = Prompt::new(terminal, session, following.boxed(), history);
        Ok((prompt, serving, diverted))
    }
}

impl Service for LocalPrompt {
    async fn run(&mut self, cx: ServiceContext) -> Result<(), Failure> {
        cx.ready();
        let (mut prompt, serving, diverted) = match self.prompt() {
            Ok(parts) => parts,
            Err(error) => {
                warn!(%error, "there is no prompt; log lines go to standard error");
                cx.draining().await;
                return Ok(());
            }
        };
        let left = tokio::select! {
            biased;
            () = cx.draining() => Ok(Left::Gone),
            left = prompt.run() => left,
            () = serving => Ok(Left::Gone),
        };
        // In their order: what comes from now on goes to standard error, and what came before is shown first.
        prompt.show_the_rest().await;
        drop(diverted);
        // The terminal is put back with it.
        prompt.finish().await;
        match left {
            Ok(Left::Quit) => cx.request_stop("the operator left the console"),
            Ok(Left::Gone | Left::Refused) => {}
            Err(error) => warn!(%error, "the prompt is gone: its terminal cannot be used"),
        }
        cx.draining().await;
        Ok(())
    }
}
