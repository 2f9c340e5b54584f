//! The integration tests of the workspace, in one binary, so that it is linked once.

mod callback;
mod driver;
mod edges;
mod pair;
mod random;
mod real;
mod regressions;
mod scenarios;
mod seam;
mod stream;
mod toy;
