//! The integration tests of the workspace, in one binary, so that it is linked once.

mod callback;
mod driver;
mod pair;
mod real;
mod scenarios;
mod seam;
mod stream;
mod toy;
