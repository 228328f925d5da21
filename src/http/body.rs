//! Reading requests' bodies, which may be too large, too slow, broken off, or too much together.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use futures::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::drain::Drain;

/// Time for the whole of a request's body.
pub(super) const BODY_TIME: Duration = Duration::from_secs(60);

/// Why a request's body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It has more bytes than are taken: 413.
    #[error("the request's body is larger than {0} bytes")]
    TooLarge(usize),
    /// It alone would take more memory than there is for all: 413.
    #[error("the request's body has more in it than can be held in memory")]
    TooMuch,
    /// The bodies of other requests take the memory that there is for all: 429.
    #[error("too many large requests are being read at the same time; ask again soon")]
    Full,
    /// It did not come in time: 408.
    #[error("the request's body did not come within {} s", BODY_TIME.as_secs())]
    TooSlow,
    /// The service stops, and waits for no body: 503.
    #[error("the service is stopping, and the request's body was not there yet")]
    Stopping,
    /// The connection broke: whoever asked is gone.
    #[error("the request's body broke off")]
    Broken,
}

/// Reads requests' bodies: each up to a limit, and all that are held at the same time up to another one. Cheap to clone;
/// clones count together.
#[derive(Clone)]
pub struct Bodies {
    max: usize,
    all: usize,
    room: Arc<Semaphore>,
}

impl Bodies {
    /// One body has up to `max` bytes, and all that are held have `all`, or `max` where that is more.
    #[must_use]
    pub fn new(max: usize, all: usize) -> Self {
        let all = all.max(max).min(Semaphore::MAX_PERMITS);
        let room = Arc::new(Semaphore::new(all));
        Self { max, all, room }
    }

    /// Reads a request's body, for a minute at most and not into a stop. Its bytes count until the [`Room`] is dropped.
    ///
    /// # Errors
    /// See [`BodyError`].
    ///
    /// # Cancel safety
    /// Dropped, what has been read is lost.
    pub async fn read(&self, body: Body, drain: &Drain) -> Result<(Vec<u8>, Room), BodyError> {
        let reading = timeout(BODY_TIME, self.collect(body));
        tokio::select! {
            biased;
            // First, so that a body which is there already is taken.
            read = reading => read.unwrap_or(Err(BodyError::TooSlow)),
            () = drain.draining() => Err(BodyError::Stopping),
        }
    }

    async fn collect(&self, body: Body) -> Result<(Vec<u8>, Room), BodyError> {
        let mut room = self.room()?;
        let (mut pieces, mut bytes) = (body.into_data_stream(), Vec::new());
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|_| BodyError::Broken)?;
            if piece.len() > self.max - bytes.len() {
                return Err(BodyError::TooLarge(self.max));
            }
            room.add(piece.len())?;
            bytes.extend_from_slice(&piece);
        }
        Ok((bytes, room))
    }

    fn room(&self) -> Result<Room, BodyError> {
        let taken = Arc::clone(&self.room).try_acquire_many_owned(0);
        let taken = taken.map_err(|_| BodyError::Full)?;
        let all = self.all;
        Ok(Room { taken, all })
    }
}

impl fmt::Debug for Bodies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bodies")
            .field("max", &self.max)
            .field("all", &self.all)
            .finish_non_exhaustive()
    }
}

/// What one request takes of the memory that there is for all bodies, until this is dropped.
#[derive(Debug)]
pub struct Room {
    taken: OwnedSemaphorePermit,
    all: usize,
}

impl Room {
    /// Takes so many bytes more. There is no waiting: those who hold half of what they need would wait for each other.
    ///
    /// # Errors
    /// [`BodyError::TooMuch`] or [`BodyError::Full`]; nothing is taken then.
    pub fn add(&mut self, bytes: usize) -> Result<(), BodyError> {
        if bytes > self.all.saturating_sub(self.taken.num_permits()) {
            return Err(BodyError::TooMuch);
        }
        let bytes = u32::try_from(bytes).map_err(|_| BodyError::TooMuch)?;
        let more = Arc::clone(self.taken.semaphore()).try_acquire_many_owned(bytes);
        self.taken.merge(more.map_err(|_| BodyError::Full)?);
        Ok(())
    }
}
