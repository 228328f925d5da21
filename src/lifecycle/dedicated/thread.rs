//! The thread itself: opens the component, runs what it is sent, closes it.

use std::sync::Arc;
use std::thread;

use tokio::sync::mpsc;
use tokio::task::LocalSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{Span, error};

use super::super::panics::{Panic, caught};
use super::super::remarks::Remains;
use super::caller::Command;
use super::{BLOCKED_AFTER, Failure, ServiceContext, Shared};

type Ordered<C> = (Command<C>, CancellationToken);

/// What a thread tells its host.
pub(super) enum Event {
    Opened(Result<(), Failure>),
    /// A command is over, whichever way.
    Done,
    Panicked(Panic),
    Ended,
}

/// A host's end of its thread. Dropped, it lets the thread end as soon as that reaches an await.
pub(super) struct Thread<C> {
    commands: Option<mpsc::UnboundedSender<Ordered<C>>>,
    events: mpsc::UnboundedReceiver<Event>,
    /// "Drop what you do, also where it is not a command."
    quit: CancellationToken,
    remains: Arc<Remains>,
}

impl<C: 'static> Thread<C> {
    pub(super) fn start(shared: Arc<Shared<C>>, cx: &ServiceContext) -> Result<Self, Failure> {
        let (commands, inbox) = mpsc::unbounded_channel();
        let (tell, events) = mpsc::unbounded_channel();
        let thread = Self {
            commands: Some(commands),
            events,
            quit: CancellationToken::new(),
            remains: Arc::new(Remains::of("its thread")),
        };
        let (quit, remains) = (thread.quit.clone(), Arc::clone(&thread.remains));
        cx.left_behind_unless_over(Arc::clone(&remains));
        let (span, name) = (Span::current(), cx.name());
        thread::Builder::new().name(name).spawn(move || {
            let _end = End(remains);
            let _entered = span.enter();
            live(&shared, inbox, &tell, &quit);
        })?;
        Ok(thread)
    }

    /// Has a command run until it is over or cancelled.
    pub(super) fn send(&self, command: Command<C>, cancel: CancellationToken) {
        if let Some(commands) = &self.commands {
            // A thread that has ended says so by an event.
            let _ = commands.send((command, cancel));
        }
    }

    /// Has the thread drop what it does.
    pub(super) fn quit(&self) {
        self.quit.cancel();
    }

    /// # Cancel safety
    /// No event is lost.
    pub(super) async fn next_event(&mut self) -> Event {
        self.events.recv().await.unwrap_or(Event::Ended)
    }

    /// Waits for the thread's end: for the component's own goodbye, and no longer than the stop has time. One that does
    /// not end is left behind.
    pub(super) async fn end(mut self, cx: &ServiceContext) -> Result<(), Failure> {
        self.commands = None;
        let panic = tokio::select! {
            biased;
            panic = self.end_of_events() => panic,
            () = cx.killed() => {
                self.quit.cancel();
                let Ok(panic) = timeout(BLOCKED_AFTER, self.end_of_events()).await else {
                    self.is_blocked_by("its component's end");
                    return Ok(());
                };
                panic
            }
        };
        match panic {
            Some(panic) => super::pass_on(panic),
            None => Ok(()),
        }
    }

    /// The panic that the thread ended with, where it did.
    ///
    /// # Cancel safety
    /// No panic is lost.
    async fn end_of_events(&mut self) -> Option<Panic> {
        loop {
            match self.next_event().await {
                Event::Panicked(panic) => return Some(panic),
                Event::Ended => return None,
                Event::Opened(_) | Event::Done => {}
            }
        }
    }

    /// Gives the thread up: it ends if it ever comes back, and is reported where it does not.
    pub(super) fn is_blocked_by(&self, what: &str) {
        error!(what, "the thread is blocked; left behind");
        self.remains.are(format!("its thread, blocked by {what}"));
    }
}

impl<C> Drop for Thread<C> {
    fn drop(&mut self) {
        self.quit.cancel();
    }
}

/// Tells that the thread is over, however it ends.
struct End(Arc<Remains>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.are_over();
    }
}

fn live<C: 'static>(
    shared: &Shared<C>,
    inbox: mpsc::UnboundedReceiver<Ordered<C>>,
    tell: &mpsc::UnboundedSender<Event>,
    quit: &CancellationToken,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = tell.send(Event::Opened(Err(error.into())));
            return;
        }
    };
    let life = async {
        tokio::select! {
            biased;
            () = quit.cancelled() => Ok(()),
            end = caught(work(shared, inbox, tell, quit)) => end,
        }
    };
    let end = LocalSet::new().block_on(&runtime, life);
    if let Err(panic) = end {
        let _ = tell.send(Event::Panicked(panic));
    }
    // Threads that the component left in blocking calls are not waited for.
    runtime.shutdown_background();
}

async fn work<C: 'static>(
    shared: &Shared<C>,
    mut inbox: mpsc::UnboundedReceiver<Ordered<C>>,
    tell: &mpsc::UnboundedSender<Event>,
    quit: &CancellationToken,
) {
    let mut component = match (shared.open)().await {
        Ok(component) => component,
        Err(failure) => {
            let _ = tell.send(Event::Opened(Err(failure)));
            return;
        }
    };
    let _ = tell.send(Event::Opened(Ok(())));
    while let Some((command, cancel)) = inbox.recv().await {
        tokio::select! {
            biased;
            () = cancel.cancelled() => {}
            () = command(&mut component) => {}
        }
        let _ = tell.send(Event::Done);
    }
    // One that came back after it was given up is not asked for a goodbye.
    if let Some(close) = &shared.close
        && !quit.is_cancelled()
    {
        close(component).await;
    }
}
