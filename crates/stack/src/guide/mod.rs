//! The guide: a layer of your own, grown in twelve steps from nothing to a complete one.
//!
//! ```text
//!                 what arrives                       what leaves
//!                      ^                                  |
//!  the application     |                                  v
//!  -----------------------------------------------------------------------
//!                  received                             send
//!  your layer          ^                                  |
//!                  received                             send
//!  -----------------------------------------------------------------------
//!                      ^                                  v
//!  the network         |                                  |
//! ```
//!
//! A layer has two faces. To what stands above it, it looks like the network; to what stands below
//! it, like an application. That is all that makes it possible to slip one in between, or to take
//! it out, while the connection lives. What you write is small. What this guide is for is to say
//! exactly what you can rely on, and what others rely on in you.
//!
//! Each step is a page with one block of code. It compiles and runs as a test, and its `assert`s
//! show what the step brought. What a step does not change is hidden, imports too; copy from [the last
//! one](step_12_live), which shows the whole layer. Each page says why, then how, what the contract promises, which mistake
//! people make there, and where the whole rule stands.
//!
//! | step | your layer |
//! |---|---|
//! | [1](step_01_watch) | watches what passes: a counter, a log, a dump of the wire |
//! | [2](step_02_change) | changes bytes, both ways |
//! | [3](step_03_records) | takes whole records, without a buffer for their pieces |
//! | [4](step_04_stage) | stages what is written, until a flush |
//! | [5](step_05_time) | asks for time: a keep-alive |
//! | [6](step_06_answer) | answers its peer |
//! | [7](step_07_greet) | shakes hands before it works |
//! | [8](step_08_end) | has an end mark, so that it can be popped amid traffic |
//! | [9](step_09_fail) | fails: what was good stands, the peer is told, the fault is named |
//! | [10](step_10_tell) | tells what it knows |
//! | [11](step_11_test) | is tested |
//! | [12](step_12_live) | is pushed and popped on a live TCP connection |
//!
//! Stop where you have enough. All that a layer does not say has a default.
//!
//! # The three traits
//!
//! [`Layer`] is [`Protocol`] and [`Transport`] together. Two methods have no default: `received`
//! and `send`. `impl Layer` may be empty. No method is called while another one of the same layer
//! runs.
//!
//! | trait | method | who calls it, and when | step |
//! |---|---|---|---|
//! | [`Protocol`] | [`attached`] | the stack, when the layer comes in, before any byte | [5](step_05_time), [7](step_07_greet) |
//! | | [`received`] | the layer below, when it delivers; at the bottom the network; or the stack, with what had to wait | [2](step_02_change), [3](step_03_records) |
//! | | [`timed_out`] | the stack, when the time has come that the layer asked for | [5](step_05_time) |
//! | | [`writable`] | the stack, when writing is to pause, or may go on | [4](step_04_stage) |
//! | | [`end_received`] | the stack, when nothing more comes from below; not behind the layer's end mark | [8](step_08_end) |
//! | | [`lost`] | the stack, when the connection is over | |
//! | | [`event`] | the stack, but only at the top: an application is told, a layer is not | |
//! | [`Transport`] | [`send`] | the layer above, when it sends; at the top the application | [2](step_02_change) |
//! | | [`flush`] | the stack, from the top down, when all that was written is to leave | [4](step_04_stage) |
//! | | [`finish`] | the stack, when the layer's outgoing half ends: the connection is shut down, or a layer with an end mark popped | [8](step_08_end) |
//! | [`Layer`] | [`exit`], [`residue`], [`role`] | the stack, before it lets the layer in or out | [2](step_02_change), [7](step_07_greet), [8](step_08_end) |
//! | | [`held`] | the stack, now and then, to keep its budget | [4](step_04_stage) |
//! | | [`name`], [`info`] | the stack, for whoever asks | [10](step_10_tell) |
//!
//! All methods of `Protocol` but `lost`, and all of `Transport`, get a [`Context`]. By it the layer
//! hands bytes on, and tells the stack what it wants.
//!
//! # The order of a life
//!
//! 1. [`attached`], once. A layer that shakes hands is *up* when it says so, any other at once.
//! 2. [`received`] and [`send`], as often as bytes come; [`flush`], [`timed_out`], [`writable`] in
//!    between.
//! 3. The two halves end, each by itself. Outgoing: [`finish`], at most once, and then no more
//!    `send` or `flush`. Incoming: the layer's own [`end_mark`], or else `end_received`, at most
//!    once, and then no more bytes.
//! 4. Either it is popped, when both have ended, and given back; or the connection is over, and it
//!    is told [`lost`], once.
//!
//! A layer that was popped may be pushed again, and then all begins anew.
//!
//! # What you must keep
//!
//! 1. **Any cut will do.** Bytes come one by one, or many records at once. Say how many you took;
//!    leave the others as they are. ([3](step_03_records))
//! 2. **Do not grow unasked.** If you make more bytes than you took, ask [`wanted`] before each
//!    block. ([3](step_03_records))
//! 3. **Flush means that the peer can read it.** Nothing that its application needs stays inside.
//!    If you keep bytes, say how many ([`held`]), and when it is enough ([`hold_back`]).
//!    ([4](step_04_stage), [7](step_07_greet))
//! 4. **No clock, no thread, no task.** [`wake_at`] calls you, [`now`] is the time.
//!    ([5](step_05_time))
//! 5. **Never wait.** What goes against the pass is queued; note what you expect, and return.
//!    ([6](step_06_answer))
//! 6. **Let nothing of the application's out before you are up**, and all that it flushed when you
//!    are. ([7](step_07_greet))
//! 7. **End your own half only**, in [`finish`]. Take nothing behind the peer's mark. An end
//!    without a mark is truncated. ([8](step_08_end))
//! 8. **Deliver what is good before you fail**, say who erred, and bound what a peer can make you
//!    keep or send. ([9](step_09_fail))
//! 9. **Be what you say**: [`exit`], [`residue`] and [`held`] are what a pop's exactness is made
//!    of. ([2](step_02_change), [8](step_08_end))
//! 10. **Begin anew when you are attached again**, or refuse. ([8](step_08_end))
//!
//! # How much it is
//!
//! Lines of code, from the type to its last method. Blank lines, lines that hold nothing but a
//! comment, and imports are not counted, here or there. A test counts them again and compares. The
//! others are on [a page of their own](compared).
//!
//! | | here | Netty, a `ChannelDuplexHandler` | by hand, `AsyncRead + AsyncWrite` |
//! |---|---|---|---|
//! | [watches](step_01_watch) | 9 | 14 | |
//! | [changes bytes both ways](step_02_change) | 19 | 25 | 103 |
//!
//! All that the guide grows, the [whole layer](step_12_live) with records, staging, a keep-alive, a
//! handshake, an end mark, errors and info, is 133 lines.
//!
//! **Begin:** [step 1, watch](step_01_watch).
//!
//! [`Layer`]: crate::Layer
//! [`Protocol`]: crate::Protocol
//! [`Transport`]: crate::Transport
//! [`Context`]: crate::Context
//! [`attached`]: crate::Protocol::attached
//! [`received`]: crate::Protocol::received
//! [`timed_out`]: crate::Protocol::timed_out
//! [`writable`]: crate::Protocol::writable
//! [`end_received`]: crate::Protocol::end_received
//! [`lost`]: crate::Protocol::lost
//! [`event`]: crate::Protocol::event
//! [`send`]: crate::Transport::send
//! [`flush`]: crate::Transport::flush
//! [`finish`]: crate::Transport::finish
//! [`exit`]: crate::Layer::exit
//! [`residue`]: crate::Layer::residue
//! [`role`]: crate::Layer::role
//! [`held`]: crate::Layer::held
//! [`name`]: crate::Layer::name
//! [`info`]: crate::Layer::info
//! [`end_mark`]: crate::Context::end_mark
//! [`wanted`]: crate::Context::wanted
//! [`hold_back`]: crate::Context::hold_back
//! [`wake_at`]: crate::Context::wake_at
//! [`now`]: crate::Context::now

pub mod compared;
pub mod step_01_watch;
pub mod step_02_change;
pub mod step_03_records;
pub mod step_04_stage;
pub mod step_05_time;
pub mod step_06_answer;
pub mod step_07_greet;
pub mod step_08_end;
pub mod step_09_fail;
pub mod step_10_tell;
pub mod step_11_test;
pub mod step_12_live;
