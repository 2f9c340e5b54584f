//! The same layer, elsewhere.
//!
//! The two layers of [step 1](super::step_01_watch) and [step 2](super::step_02_change), as they
//! are written elsewhere. Their lines are counted in the [guide's table](super#how-much-it-is).
//!
//! # Netty: a handler that watches
//!
//! <!-- counted: netty-watch -->
//! ```java
//! public final class Tally extends ChannelDuplexHandler {
//!     private long received;
//!     private long sent;
//!
//!     @Override
//!     public void channelRead(ChannelHandlerContext ctx, Object msg) {
//!         received += ((ByteBuf) msg).readableBytes();
//!         ctx.fireChannelRead(msg);
//!     }
//!
//!     @Override
//!     public void write(ChannelHandlerContext ctx, Object msg, ChannelPromise promise) {
//!         sent += ((ByteBuf) msg).readableBytes();
//!         ctx.write(msg, promise);
//!     }
//! }
//! ```
//!
//! The methods have defaults here, too, so a handler that watches is short. It assumes that every
//! message is a `ByteBuf`, which the pipeline does not promise.
//!
//! # Netty: a handler that changes bytes
//!
//! <!-- counted: netty-change -->
//! ```java
//! public final class Records extends ChannelDuplexHandler {
//!     private final byte key;
//!
//!     public Records(byte key) {
//!         this.key = key;
//!     }
//!
//!     @Override
//!     public void channelRead(ChannelHandlerContext ctx, Object msg) {
//!         change((ByteBuf) msg);
//!         ctx.fireChannelRead(msg);
//!     }
//!
//!     @Override
//!     public void write(ChannelHandlerContext ctx, Object msg, ChannelPromise promise) {
//!         // The writer may keep a reference to its bytes, so a copy is changed.
//!         ByteBuf given = (ByteBuf) msg;
//!         ByteBuf bytes = ctx.alloc().buffer(given.readableBytes());
//!         bytes.writeBytes(given);
//!         given.release();
//!         change(bytes);
//!         ctx.write(bytes, promise);
//!     }
//!
//!     private void change(ByteBuf bytes) {
//!         for (int i = bytes.readerIndex(); i < bytes.writerIndex(); i++) {
//!             bytes.setByte(i, bytes.getByte(i) ^ key);
//!         }
//!     }
//! }
//! ```
//!
//! What it does not say: who owns the bytes when, and which bytes are still to pass when it is
//! removed. Removing a handler is at once; bytes that it has staged, or that are on their way to
//! it, are its author's to think of.
//!
//! # By hand: a wrapper around a stream
//!
//! The usual way in Rust: a stream around a stream. Reading is easy, for the bytes are changed
//! where the caller wants them. Writing is not. The socket may take a part of what was changed, and
//! the changed rest must be kept, since the caller was told that it was taken. So there is a
//! buffer, with a bound, and everybody who waits must first get it on its way: a flush, a shutdown,
//! and a *read* as well, for the peer may wait for those bytes before it answers.
//!
#![cfg_attr(feature = "tokio", doc = "```")]
#![cfg_attr(not(feature = "tokio"), doc = "```ignore")]
//! use std::io::{self, IoSlice};
//! use std::pin::Pin;
//! use std::task::{Context, Poll, ready};
//!
//! use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
//!
//! # // counted from here
//! struct Records<Io> {
//!     io: Io,
//!     key: u8,
//!     /// Changed bytes that `io` has not taken; those before `done` it has.
//!     changed: Vec<u8>,
//!     done: usize,
//! }
//!
//! /// From so many bytes on a write waits.
//! const ENOUGH: usize = 64 * 1024;
//!
//! impl<Io> Records<Io> {
//!     fn new(io: Io, key: u8) -> Self {
//!         Self {
//!             io,
//!             key,
//!             changed: Vec::new(),
//!             done: 0,
//!         }
//!     }
//!
//!     /// Takes as much of `bytes` as there is room for.
//!     fn take(&mut self, bytes: &[u8]) -> usize {
//!         let room = ENOUGH - self.changed.len();
//!         let taken = &bytes[..bytes.len().min(room)];
//!         self.changed
//!             .extend(taken.iter().map(|byte| byte ^ self.key));
//!         taken.len()
//!     }
//! }
//!
//! impl<Io: AsyncWrite + Unpin> Records<Io> {
//!     /// Waits until `io` has taken all.
//!     fn poll_drain(&mut self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
//!         while self.done < self.changed.len() {
//!             let rest = &self.changed[self.done..];
//!             match ready!(Pin::new(&mut self.io).poll_write(task, rest))? {
//!                 0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
//!                 n => self.done += n,
//!             }
//!         }
//!         self.changed.clear();
//!         self.done = 0;
//!         Poll::Ready(Ok(()))
//!     }
//!
//!     /// Waits until there is room.
//!     fn poll_room(&mut self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
//!         if self.changed.len() < ENOUGH {
//!             return Poll::Ready(Ok(()));
//!         }
//!         self.poll_drain(task)
//!     }
//!
//!     /// Sends what can be sent now. What cannot is for the next call, by whomever.
//!     fn try_drain(&mut self, task: &mut Context<'_>) -> io::Result<()> {
//!         match self.poll_drain(task) {
//!             Poll::Ready(sent) => sent,
//!             Poll::Pending => Ok(()),
//!         }
//!     }
//! }
//!
//! impl<Io: AsyncRead + AsyncWrite + Unpin> AsyncRead for Records<Io> {
//!     fn poll_read(
//!         self: Pin<&mut Self>,
//!         task: &mut Context<'_>,
//!         buf: &mut ReadBuf<'_>,
//!     ) -> Poll<io::Result<()>> {
//!         let this = self.get_mut();
//!         // The peer may wait for what is still here. That it cannot be sent is for the next write to
//!         // tell: there may be something to read all the same.
//!         let _ = this.try_drain(task);
//!         let before = buf.filled().len();
//!         ready!(Pin::new(&mut this.io).poll_read(task, buf))?;
//!         for byte in &mut buf.filled_mut()[before..] {
//!             *byte ^= this.key;
//!         }
//!         Poll::Ready(Ok(()))
//!     }
//! }
//!
//! impl<Io: AsyncWrite + Unpin> AsyncWrite for Records<Io> {
//!     fn poll_write(
//!         self: Pin<&mut Self>,
//!         task: &mut Context<'_>,
//!         bytes: &[u8],
//!     ) -> Poll<io::Result<usize>> {
//!         let this = self.get_mut();
//!         ready!(this.poll_room(task))?;
//!         let taken = this.take(bytes);
//!         this.try_drain(task)?;
//!         Poll::Ready(Ok(taken))
//!     }
//!
//!     fn poll_write_vectored(
//!         self: Pin<&mut Self>,
//!         task: &mut Context<'_>,
//!         slices: &[IoSlice<'_>],
//!     ) -> Poll<io::Result<usize>> {
//!         let this = self.get_mut();
//!         ready!(this.poll_room(task))?;
//!         let taken = slices.iter().map(|slice| this.take(slice)).sum();
//!         this.try_drain(task)?;
//!         Poll::Ready(Ok(taken))
//!     }
//!
//!     fn is_write_vectored(&self) -> bool {
//!         true
//!     }
//!
//!     fn poll_flush(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
//!         let this = self.get_mut();
//!         ready!(this.poll_drain(task))?;
//!         Pin::new(&mut this.io).poll_flush(task)
//!     }
//!
//!     fn poll_shutdown(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
//!         let this = self.get_mut();
//!         ready!(this.poll_drain(task))?;
//!         Pin::new(&mut this.io).poll_shutdown(task)
//!     }
//! }
//! # // counted to here
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> io::Result<()> {
//!     // A pipe that takes three bytes at a time.
//!     let (near, far) = tokio::io::duplex(3);
//!     let mut near = Records::new(near, 0x55);
//!     let mut far = Records::new(far, 0x55);
//!     let question = async {
//!         near.write_all(b"a long question").await?;
//!         let slices = [IoSlice::new(b", in"), IoSlice::new(b" pieces?")];
//!         assert_eq!(near.write_vectored(&slices).await?, 12);
//!         let mut answer = [0; 3];
//!         near.read_exact(&mut answer).await?; // not flushed: the read does it
//!         assert_eq!(&answer, b"yes");
//!         near.shutdown().await
//!     };
//!     let answer = async {
//!         let mut heard = [0; 27];
//!         far.read_exact(&mut heard).await?;
//!         assert_eq!(&heard, b"a long question, in pieces?");
//!         far.write_all(b"yes").await?;
//!         far.flush().await?;
//!         assert_eq!(far.read(&mut heard).await?, 0);
//!         Ok::<_, io::Error>(())
//!     };
//!     tokio::try_join!(question, answer)?;
//!     Ok(())
//! }
//! ```
//!
//! And one thing is still wrong with it. Where reading and writing wait in two tasks
//! (`tokio::io::split`), the read that gets bytes on their way takes the writer's wake-up: the
//! socket knows one waker for writing, that of whoever asked last. What mends it is a waker that
//! wakes both. And it can be neither pushed nor popped on a stream that lives, for the bytes that
//! another `BufReader` has read ahead are not here.
//!
//! In the stack all this is done once, for every layer: the buffers and their bounds, partial
//! writes, when bytes leave, who is woken.
//!
//! **Back:** [the guide](super).
