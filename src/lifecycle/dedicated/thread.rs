//! The thread itself: opens the component, runs what it is sent, closes it.

use std::sync::Arc;
use std::thread;

use tokio::sync::mpsc;
use tokio::task::LocalSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{Span, error};

use super::super::panics::{Panic, catch};
use super::super::remarks::Remains;
use super::caller::Command;
use super::{BLOCKED_AFTER, Failure, ServiceContext, Shared, last_moment};

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
            remains: Arc::new(Remains::of(&blocked_by("its component's opening"))),
        };
        let (quit, remains) = (thread.quit.clone(), Arc::clone(&thread.remains));
        cx.left_behind_unless_over(Arc::clone(&remains));
        // Made before the thread: one that cannot be made leaves nothing behind.
        let end = End(remains);
        let (span, name) = (Span::current(), cx.name());
        thread::Builder::new().name(name).spawn(move || {
            let _entered = span.enter();
            let last = live(&shared, inbox, &tell, &quit);
            // Whoever hears of the end finds nothing left.
            drop(end);
            let _ = tell.send(last);
        })?;
        Ok(thread)
    }

    /// Has a command run until it is over or cancelled.
    pub(super) fn send(&self, name: &str, command: Command<C>, cancel: CancellationToken) {
        self.remains.are(blocked_by(&format!("the command {name}")));
        if let Some(commands) = &self.commands {
            // A thread that has ended says so by an event.
            let _ = commands.send((command, cancel));
        }
    }

    /// # Cancel safety
    /// No event is lost.
    pub(super) async fn next_event(&mut self) -> Event {
        let event = self.events.recv().await.unwrap_or(Event::Ended);
        // From one event to the next command it is idle.
        self.remains.are("its thread".to_owned());
        event
    }

    /// Waits for the thread's end: for the component's own goodbye, and no longer than the stop has time. One that does
    /// not end is left behind.
    pub(super) async fn end(&mut self, cx: &ServiceContext) -> Result<(), Failure> {
        self.commands = None;
        self.remains.are(blocked_by("its component's end"));
        tokio::select! {
            biased;
            panic = self.end_of_events() => return pass_on_any(panic),
            () = cx.killed() => {}
        }
        self.end_now(cx).await
    }

    /// Has the thread drop what it does, and waits no longer than that may take.
    pub(super) async fn end_now(&mut self, cx: &ServiceContext) -> Result<(), Failure> {
        self.commands = None;
        self.quit.cancel();
        tokio::select! {
            biased;
            panic = self.end_of_events() => return pass_on_any(panic),
            () = sleep(BLOCKED_AFTER) => {}
            () = last_moment(cx) => {}
        }
        error!("the thread does not end; left behind");
        Ok(())
    }

    /// The panic that the thread ended with, where it did.
    ///
    /// # Cancel safety
    /// No panic is lost.
    async fn end_of_events(&mut self) -> Option<Panic> {
        loop {
            match self.events.recv().await {
                Some(Event::Panicked(panic)) => return Some(panic),
                Some(Event::Ended) | None => return None,
                Some(Event::Opened(_) | Event::Done) => {}
            }
        }
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

/// Lives until the host lets go or something breaks; returns what is still to be told.
fn live<C: 'static>(
    shared: &Shared<C>,
    inbox: mpsc::UnboundedReceiver<Ordered<C>>,
    tell: &mpsc::UnboundedSender<Event>,
    quit: &CancellationToken,
) -> Event {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return Event::Opened(Err(error.into())),
    };
    // All of it is caught, the end of the component too.
    let end = catch(|| {
        LocalSet::new().block_on(&runtime, async {
            tokio::select! {
                biased;
                () = quit.cancelled() => Ok(()),
                end = work(shared, inbox, tell, quit) => end,
            }
        })
    });
    // Threads that the component left in blocking calls are not waited for.
    runtime.shutdown_background();
    match end {
        Ok(Ok(())) => Event::Ended,
        Ok(Err(failure)) => Event::Opened(Err(failure)),
        Err(panic) => Event::Panicked(panic),
    }
}

/// Opens the component, and does what it is told. An error is that of the opening.
async fn work<C: 'static>(
    shared: &Shared<C>,
    mut inbox: mpsc::UnboundedReceiver<Ordered<C>>,
    tell: &mpsc::UnboundedSender<Event>,
    quit: &CancellationToken,
) -> Result<(), Failure> {
    let mut component = (shared.open)().await?;
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
    Ok(())
}

fn blocked_by(what: &str) -> String {
    format!("its thread, blocked by {what}")
}

fn pass_on_any(panic: Option<Panic>) -> Result<(), Failure> {
    panic.map_or(Ok(()), super::pass_on)
}
