//! A connection as a stream of tokio's kind.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

use super::connection::Connection;
use super::wakers::Side;

impl<Io: AsyncRead + AsyncWrite + Unpin> AsyncRead for Connection<Io> {
    fn poll_read(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let driver = self.get_mut().driver_mut();
        match driver.poll_readable(task) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error.into())),
            Poll::Ready(Ok(_)) => {
                let readable = driver.stack.readable();
                let n = readable.len().min(buf.remaining());
                buf.put_slice(&readable[..n]);
                driver.consume(n);
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin> AsyncBufRead for Connection<Io> {
    fn poll_fill_buf(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let driver = self.get_mut().driver_mut();
        match driver.poll_readable(task) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error.into())),
            Poll::Ready(Ok(_)) => Poll::Ready(Ok(driver.stack.readable())),
        }
    }

    fn consume(self: Pin<&mut Self>, n: usize) {
        self.get_mut().driver_mut().consume(n);
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Connection<Io> {
    fn poll_write(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let driver = self.get_mut().driver_to_write();
        driver.poll_write(task, bytes).map_err(io::Error::from)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let driver = self.get_mut().driver_to_write();
        let mut written = 0;
        for bytes in slices.iter().filter(|bytes| !bytes.is_empty()) {
            // Once some bytes are taken, the write is done; the rest comes with the next.
            match driver.poll_write(task, bytes) {
                Poll::Ready(Ok(n)) => {
                    written += n;
                    if n < bytes.len() {
                        break;
                    }
                }
                Poll::Ready(Err(error)) if written == 0 => return Poll::Ready(Err(error.into())),
                Poll::Pending if written == 0 => return Poll::Pending,
                Poll::Ready(Err(_)) => break,
                Poll::Pending => {
                    driver.wakers.disarm(Side::Write);
                    break;
                }
            }
            if !driver.stack.writable() {
                break;
            }
        }
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        let driver = self.get_mut().driver_mut();
        driver.poll_flush(task).map_err(io::Error::from)
    }

    fn poll_shutdown(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        let driver = self.get_mut().driver_mut();
        driver.poll_shutdown(task).map_err(io::Error::from)
    }
}
