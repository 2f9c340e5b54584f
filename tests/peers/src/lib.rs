//! What the tests against programs that are not ours have in common.
//!
//! Each test starts the programs that it needs, on free ports of 127.0.0.1, with what they keep in
//! a folder of its own, and ends them. Where a program is not installed, the test says aloud that
//! it was skipped; with `REQUIRE_PEERS` set it fails. `install.sh` installs them all.

mod authority;
pub mod clients;
mod conversation;
mod cut;
mod daemon;
mod folder;
pub mod prelogin;
mod program;
mod server;
mod servers;
mod session;
mod text;

pub use authority::Authority;
pub use cut::Cut;
pub use daemon::Daemon;
pub use folder::Folder;
pub use program::{Program, is_here, skip};
pub use server::{Manner, Parting, Server};
pub use servers::{MAIL, Mailbox, Service};
pub use session::{Leaving, Session};
pub use text::text;

/// What every part of the tests may fail with.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
