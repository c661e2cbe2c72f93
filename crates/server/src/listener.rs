//! Connections: how many there may be, and how long one may stay silent.
//!
//! Both limits keep a few slow or idle clients from using up what the others need.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};

/// A listener that holds back while there are too many connections.
#[derive(Debug)]
pub(crate) struct LimitedListener {
    inner: TcpListener,
    /// One permit a connection; shared by all listeners.
    permits: Arc<Semaphore>,
    silence: Duration,
}

impl LimitedListener {
    /// A listener whose connections take permits and may be silent for as long as `silence`.
    pub(crate) fn new(inner: TcpListener, permits: Arc<Semaphore>, silence: Duration) -> Self {
        Self { inner, permits, silence }
    }
}

impl Listener for LimitedListener {
    type Io = LimitedStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (LimitedStream, SocketAddr) {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let (inner, address) = Listener::accept(&mut self.inner).await;
        // Answers are written whole; waiting for more to send would only delay them.
        if let Err(error) = inner.set_nodelay(true) {
            tracing::debug!(%error, "cannot set an option of a connection");
        }
        let stream = LimitedStream {
            inner,
            deadline: Box::pin(tokio::time::sleep(self.silence)),
            silence: self.silence,
            // The semaphore is never closed.
            _permit: permit.ok(),
        };
        (stream, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }
}

/// A connection that fails when nothing moves for too long.
#[derive(Debug)]
pub(crate) struct LimitedStream {
    inner: TcpStream,
    deadline: Pin<Box<Sleep>>,
    silence: Duration,
    _permit: Option<OwnedSemaphorePermit>,
}

impl LimitedStream {
    fn moved(&mut self) {
        let deadline = Instant::now() + self.silence;
        self.deadline.as_mut().reset(deadline);
    }
}

impl AsyncRead for LimitedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        ctx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.inner).poll_read(ctx, buffer);
        if result.is_ready() {
            self.moved();
        } else if self.deadline.as_mut().poll(ctx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        result
    }
}

impl AsyncWrite for LimitedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        ctx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write(ctx, bytes);
        if result.is_ready() {
            self.moved();
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(ctx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(ctx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        ctx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write_vectored(ctx, slices);
        if result.is_ready() {
            self.moved();
        }
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}
