//! Counts what passes, and ends it where it is too much or nothing comes any more.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// The bytes of all connections of a proxy.
#[derive(Debug)]
pub(super) struct Meter {
    passed: AtomicU64,
    limit: u64,
}

impl Meter {
    pub(super) fn new(limit: u64) -> Self {
        let passed = AtomicU64::new(0);
        Self { passed, limit }
    }

    pub(super) fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.passed() > self.limit
    }

    /// What has passed until now counts no more.
    pub(super) fn begin(&self) {
        self.passed.store(0, Ordering::Relaxed);
    }

    fn count(&self, bytes: usize) -> io::Result<()> {
        self.passed.fetch_add(bytes as u64, Ordering::Relaxed);
        if self.is_used_up() {
            return Err(io::Error::other("the page has taken all the bytes it may"));
        }
        Ok(())
    }
}

/// A stream whose bytes are counted, and whose last moment of life is known.
pub(super) struct Metered<S> {
    stream: S,
    meter: Arc<Meter>,
    moved: watch::Sender<Instant>,
}

/// Knows when the stream last moved.
pub(super) struct Life(watch::Receiver<Instant>);

impl<S> Metered<S> {
    pub(super) fn new(stream: S, meter: Arc<Meter>) -> (Self, Life) {
        let (moved, life) = watch::channel(Instant::now());
        let metered = Self {
            stream,
            meter,
            moved,
        };
        (metered, Life(life))
    }

    fn count(&self, bytes: usize) -> io::Result<()> {
        if bytes > 0 {
            self.moved.send_replace(Instant::now());
        }
        self.meter.count(bytes)
    }
}

impl Life {
    /// Resolves when nothing has moved for so long.
    pub(super) async fn until_idle_for(self, time: Duration) {
        loop {
            let until = *self.0.borrow() + time;
            if until <= Instant::now() {
                return;
            }
            sleep_until(until).await;
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        std::task::ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        Poll::Ready(self.count(buffer.filled().len() - before))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = std::task::ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        Poll::Ready(self.count(written).map(|()| written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
