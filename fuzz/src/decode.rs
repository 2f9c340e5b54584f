//! Any bytes, which must come to the same however they are cut.

use std::fmt;

use compress_layer::CompressLayer;
use stack::{Blame, Error, ErrorKind, Limits};

use crate::codecs::make;
use crate::end::{Bytes, End};

/// Of a bomb no more is read than this.
const ENOUGH: usize = 256 * 1024;

/// Decodes `bytes` by the format of this name, as a stream and as a series of them: whole, byte by
/// byte, and cut by what they say themselves, into little room and while our own end of the layer
/// leaves.
///
/// # Panics
///
/// If they do not come to the same, or if a rule of the layer is broken.
pub fn decode(name: &str, bytes: &[u8]) {
    let stream: fn(CompressLayer) -> CompressLayer = |layer| layer;
    for nature in [stream, CompressLayer::framed] {
        let wide = || End::new(nature(make(name, 1)), Limits::default());
        let whole = sum(name, wide(), bytes.chunks(bytes.len().max(1)));
        let bytewise = sum(name, wide(), bytes.chunks(1));
        let cut = sum(name, narrow(nature(make(name, 1))), own_cut(bytes));
        whole.is_that_of(name, &bytewise);
        whole.is_that_of(name, &cut);
    }
}

/// With little room, and a layer that leaves.
fn narrow(layer: CompressLayer) -> End {
    let limits = Limits {
        inbox: 512,
        work: 1,
        ..Limits::default()
    };
    let mut end = End::new(layer, limits);
    end.gulp = 1000;
    end.pop();
    end
}

/// Each piece is as long as its first byte says.
fn own_cut(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let len = usize::from(*bytes.first()?) % 100 + 1;
        bytes.split_off(..len.min(bytes.len()))
    })
}

/// What bytes came to.
#[derive(PartialEq)]
struct Sum {
    read: Bytes,
    then: Then,
}

#[derive(Debug, PartialEq)]
enum Then {
    /// The end mark has come.
    Marked,
    Failed(ErrorKind),
    /// The layer waits for more.
    Waiting,
    /// There is more than was read.
    Enough,
}

impl Sum {
    fn is_that_of(&self, name: &str, cut: &Self) {
        let mut same = self == cut;
        if name == "brotli" && matches!(self.then, Then::Failed(_)) {
            // It loses what it has made in the call that fails, which may have been enough.
            let (a, b) = (&self.read.inside, &cut.read.inside);
            let failed = self.then == cut.then || cut.then == Then::Enough;
            same = failed && (a.starts_with(b) || b.starts_with(a));
        }
        assert!(same, "{self:?} whole, {cut:?} cut");
    }
}

fn sum<'a>(name: &str, mut end: End, pieces: impl Iterator<Item = &'a [u8]>) -> Sum {
    end.enough = ENOUGH;
    for piece in pieces {
        end.receive(piece);
        if end.has_enough() || end.failure().is_some() {
            break;
        }
    }
    let then = then(name, &mut end);
    let mut read = end.read;
    read.inside.truncate(ENOUGH);
    Sum { read, then }
}

fn then(name: &str, end: &mut End) -> Then {
    if end.has_enough() {
        return Then::Enough;
    }
    if let Some(error) = end.failure() {
        blames_the_peer(name, &error);
        return Then::Failed(error.kind());
    }
    end.receive_end();
    match end.failure() {
        None => {
            assert!(
                end.popped().is_some(),
                "a clean end, and the layer has not left"
            );
            Then::Marked
        }
        Some(error) => {
            blames_the_peer(name, &error);
            assert_eq!(error.kind(), ErrorKind::Truncated);
            Then::Waiting
        }
    }
}

fn blames_the_peer(name: &str, error: &Error) {
    assert_eq!(
        (error.blame(), error.layer()),
        (Blame::Remote, Some(name)),
        "{error:?}"
    );
}

impl fmt::Debug for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (inside, behind) = (self.read.inside.len(), self.read.behind.len());
        write!(
            f,
            "[{inside} bytes inside, {behind} behind, {:?}]",
            self.then
        )
    }
}
