//! The integration tests of the workspace, in one binary, so that it is linked once.

mod pair;
mod seam;
mod stream;
mod toy;
