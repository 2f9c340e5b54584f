//! The integration tests of the workspace, in one binary, so that it is linked once.

mod app;
mod beneath;
mod bombs;
mod bugs;
mod bugs_driver;
mod bugs_ends;
mod bugs_flow;
mod callback;
mod captures;
#[path = "../../examples/certificate/mod.rs"]
mod certificate;
mod compressed;
mod cut_short;
mod driver;
mod edges;
mod epochs;
mod faulty;
mod flushes;
mod framed;
mod general;
mod general_lives;
mod guide;
mod handle;
mod hostile;
mod kit;
mod levels;
mod lives;
mod pair;
mod pieces;
#[path = "../peers/src/prelogin.rs"]
#[expect(unreachable_pub, reason = "there it is a library's")]
mod prelogin;
mod real;
mod regressions;
mod rng;
mod rows;
mod scenarios;
mod seam;
mod services;
mod sockets;
mod split;
mod spy;
mod stream;
mod surgery;
mod template;
mod tls_live;
mod toy;
mod visit;
mod visit_hostile;
mod waiting;
mod wakes;
mod wire;
mod withdraw;
mod withdraw_hostile;
mod wrap;
