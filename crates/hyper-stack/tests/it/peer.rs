//! A peer whose every byte is in our hands.

use std::time::Duration;

use stack::{Layer, Limits, Stack};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::timeout;

use crate::setting::Result;

/// The other end: a stack without a driver, so that what it sends can be cut anywhere.
pub(crate) struct Peer {
    pub(crate) stack: Stack,
    io: DuplexStream,
}

impl Peer {
    pub(crate) fn new(io: DuplexStream) -> Self {
        let stack = Stack::new(Limits::default());
        Self { stack, io }
    }

    /// Says something, and pushes a layer behind it, through which it says more.
    pub(crate) fn say<L: Layer>(&mut self, head: &str, layer: L, behind: &str) -> Result<()> {
        self.stack.write(head.as_bytes())?;
        self.stack
            .push(layer)
            .map_err(|error| error.error().clone())?;
        self.stack.write(behind.as_bytes())?;
        self.stack.flush();
        Ok(())
    }

    /// Sends what is ready, cut in two if it is that long. Whether it is.
    pub(crate) async fn send(&mut self, cut: usize) -> Result<bool> {
        let bytes = self.stack.outgoing();
        let (first, rest) = bytes.split_at(cut.min(bytes.len()));
        self.io.write_all(first).await?;
        // The other end has its turn between the two.
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
        self.io.write_all(rest).await?;
        let (n, is_cut) = (bytes.len(), !rest.is_empty());
        self.stack.sent(n);
        Ok(is_cut)
    }

    /// Reads what hyper says, which is not for the layers.
    pub(crate) async fn head(&mut self) -> Result<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.io.read_u8().await?);
        }
        Ok(())
    }

    /// Talks until it has read these bytes.
    pub(crate) async fn reads(&mut self, bytes: &[u8]) -> Result<()> {
        loop {
            self.stack.flush();
            self.send(usize::MAX).await?;
            if self.stack.readable() == bytes {
                return Ok(());
            }
            let mut space = [0; 4096];
            match self.io.read(&mut space).await? {
                0 => return Err(format!("the end, behind {:?}", self.stack.readable()).into()),
                n => self.stack.receive(&mut space[..n]),
            }
        }
    }
}

/// Plays both ends. As time is paused, and nobody but them is there, it is an error at once if both wait.
#[expect(clippy::disallowed_methods, reason = "what hangs is to fail")]
pub(crate) async fn both<A, B>(
    theirs: impl Future<Output = Result<A>>,
    ours: impl Future<Output = Result<B>>,
) -> Result<(A, B)> {
    let both = async { tokio::try_join!(theirs, ours) };
    timeout(Duration::from_secs(60), both).await?
}
