//! What comes before the bytes: conversations that open a way, as layers of a live connection's stack.

mod opener;

pub use opener::{Next, Opener, Opening};
