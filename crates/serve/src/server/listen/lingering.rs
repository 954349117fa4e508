//! Lingering close: closing a connection so that its last response arrives.

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// How long what the client still sends is read after the connection was closed.
const LINGER_TIMEOUT: Duration = Duration::from_millis(500);

/// A stream whose shutdown closes the sending side, and then reads for a while what the client still
/// sends. Closing a connection with unread data resets it, and the client may then lose a response that
/// it has received but not read yet (RFC 9112, 9.6).
pub struct Lingering<S> {
    stream: S,
    timeout: Option<Pin<Box<Sleep>>>,
}

impl<S> Lingering<S> {
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            timeout: None,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let Self { stream, timeout } = &mut *self;
        if timeout.is_none() {
            ready!(Pin::new(&mut *stream).poll_shutdown(context))?;
        }
        let timeout = timeout.get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER_TIMEOUT)));
        let mut discarded = [0; 4 << 10];
        while timeout.as_mut().poll(context).is_pending() {
            let mut buffer = ReadBuf::new(&mut discarded);
            let read = ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_arrives_late_is_read_for_a_while() {
        let (near, mut far) = tokio::io::duplex(64 << 10);
        let mut near = Lingering::new(near);
        near.write_all(b"an answer").await.unwrap();
        let begun = Instant::now();
        far.write_all(&[0; 20_000]).await.unwrap();
        near.shutdown().await.unwrap();
        assert_eq!(begun.elapsed(), LINGER_TIMEOUT);
        far.write_all(&[0; 50_000]).await.unwrap();
        let mut answer = [0; 9];
        far.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"an answer");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_has_closed_is_not_waited_for() {
        let (near, far) = tokio::io::duplex(64);
        let begun = Instant::now();
        drop(far);
        Lingering::new(near).shutdown().await.unwrap();
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
