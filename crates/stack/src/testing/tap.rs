//! Decodes one layer on the wire, byte by byte.

/// Decodes what one end of a layer sends, for the oracle; it shares no code with the layer.
///
/// An instance sees one direction of one layer, from the first byte on that the layer sends.
pub trait Tap: Send {
    /// The next byte that the layer sent. What the layer had been given to send, as far as this
    /// byte tells, is appended to `given`.
    ///
    /// # Errors
    ///
    /// If no such layer would send this byte here.
    fn byte(&mut self, byte: u8, given: &mut Vec<u8>) -> Result<Seen, String>;
}

/// What a byte on the wire was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Part of what the layer sends while it stands.
    Part,
    /// The last byte of its end mark.
    EndMark,
}
