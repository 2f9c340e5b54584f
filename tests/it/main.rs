//! The integration tests of the workspace, in one binary, so that it is linked once.

mod callback;
mod driver;
mod edges;
mod epochs;
mod handle;
mod lives;
mod pair;
mod random;
mod real;
mod regressions;
mod rng;
mod scenarios;
mod seam;
mod sockets;
mod stream;
mod surgery;
mod toy;
mod wakes;
