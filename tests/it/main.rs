//! The integration tests of the workspace, in one binary, so that it is linked once.

mod app;
mod bugs;
mod bugs_driver;
mod bugs_ends;
mod bugs_flow;
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
mod spy;
mod stream;
mod surgery;
mod toy;
mod wakes;
mod wire;
