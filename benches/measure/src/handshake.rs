//! Connections that are opened, one behind another.

use crate::open::{Open, Within};
use crate::pingpong::{ping, pong};
use crate::sockets::Listener;
use crate::thread::on_thread;
use crate::{Cost, Meter};

/// What shakes hands, and knows how.
pub trait Handshake: Open {
    /// Whether a session was resumed.
    fn resumed(client: &Self::Client) -> bool;
}

impl<O: Handshake> Handshake for Within<O> {
    fn resumed(client: &Self::Client) -> bool {
        O::resumed(client)
    }
}

/// Opens `count` connections, each from the connect of the socket to the first 64 B there and
/// back, behind which each end knows that the other has finished, and the client has its ticket.
/// Both ends are on one thread: across two, their wake-ups would cost as much as the rest.
///
/// # Panics
///
/// If a handshake is resumed though it should not be, or the other way round.
pub fn handshakes(open: impl Handshake, count: usize, resumed: bool) -> Cost {
    let thread = on_thread(0, move || async move {
        let listener = Listener::new();
        if resumed {
            // The first has no ticket.
            handshake(&listener, open.clone()).await;
        }
        let meter = Meter::start();
        for _ in 0..count {
            let was = handshake(&listener, open.clone()).await;
            assert_eq!(was, resumed, "whether the session was resumed");
        }
        meter.stop()
    });
    thread.join().expect("the peers")
}

async fn handshake<O: Handshake>(listener: &Listener, open: O) -> bool {
    let (a, b) = listener.pair();
    let (mut a, mut b) = tokio::join!(open.clone().client(a), open.server(b));
    tokio::join!(ping(&mut a, 1), pong(&mut b, 1));
    O::resumed(&a)
}
