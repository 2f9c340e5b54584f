//! A capture file, into which packets are written.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A capture in the pcap format, which Wireshark and tshark open. Its clones write into the same
/// file, so one may take what the [`Pcap`](crate::Pcap)s of many connections see.
///
/// The writer is called while bytes pass, so it should not block for long: a `BufWriter` over a
/// file will do. It is flushed when a connection ends, and by [`flush`](Self::flush).
///
/// Once the writer has failed it is never asked again, and the connections live on.
#[derive(Clone)]
pub struct Capture(Arc<Mutex<State>>);

struct State {
    file: File,
    /// How many connections have been captured, or begun to be.
    connections: u16,
}

enum File {
    Open(Box<dyn Write + Send>),
    Failed(Arc<io::Error>),
}

impl Capture {
    /// Writes the head of a capture. If that fails, [`error`](Self::error) tells.
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        let mut file = File::Open(Box::new(writer));
        let _ = file.attempt(|writer| writer.write_all(&head()));
        Self(Arc::new(Mutex::new(State {
            file,
            connections: 0,
        })))
    }

    /// Why capturing has stopped, if it has.
    pub fn error(&self) -> Option<Arc<io::Error>> {
        match &self.state().file {
            File::Open(_) => None,
            File::Failed(error) => Some(Arc::clone(error)),
        }
    }

    /// Flushes the writer.
    ///
    /// # Errors
    ///
    /// Why capturing has stopped, as [`error`](Self::error) tells.
    pub fn flush(&self) -> Result<(), Arc<io::Error>> {
        self.state().file.attempt(|writer| writer.flush())
    }

    /// The number of a new connection, from 0 on.
    pub(crate) fn number(&self) -> u16 {
        let mut state = self.state();
        let number = state.connections;
        state.connections = number.wrapping_add(1);
        number
    }

    /// Writes an IP packet that passed at this time, counted from 1970.
    pub(crate) fn write(&self, at: Duration, packet: &[u8]) {
        // The error is kept for whoever asks; the connection is not to be disturbed.
        let _ = self.state().file.attempt(|writer| {
            writer.write_all(&record_head(at, packet.len() as u32))?;
            writer.write_all(packet)
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl File {
    fn attempt(
        &mut self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Arc<io::Error>> {
        let error = match self {
            Self::Open(writer) => match write(writer) {
                Ok(()) => return Ok(()),
                Err(error) => Arc::new(error),
            },
            Self::Failed(error) => Arc::clone(error),
        };
        *self = Self::Failed(Arc::clone(&error));
        Err(error)
    }
}

/// The head of a file: version 2.4, times in nanoseconds, each packet begins with its IP header.
fn head() -> [u8; 24] {
    const MAGIC: u32 = 0xa1b2_3c4d;
    const VERSION: u32 = 2 | 4 << 16;
    const SNAPLEN: u32 = 262_144;
    const LINKTYPE_RAW: u32 = 101;
    words([MAGIC, VERSION, 0, 0, SNAPLEN, LINKTYPE_RAW])
}

/// What stands before each packet. The format's seconds end in 2106, as readers take them.
fn record_head(at: Duration, len: u32) -> [u8; 16] {
    words([at.as_secs() as u32, at.subsec_nanos(), len, len])
}

/// The magic number tells readers in which order the bytes of a word are.
fn words<const N: usize, const BYTES: usize>(words: [u32; N]) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    for (room, word) in bytes.chunks_exact_mut(4).zip(words) {
        room.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capture")
            .field("connections", &self.state().connections)
            .field("error", &self.error())
            .finish_non_exhaustive()
    }
}
