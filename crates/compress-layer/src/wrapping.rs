//! What is around a deflate stream. The encoder's is written here, and not by the library's encoder,
//! which therefore can begin anew in mid-stream: with the wrapping it would write a second header, and
//! zlib-rs 0.6.8 takes another level in no other way.

#[cfg(feature = "zlib")]
use adler2::Adler32;

/// What is around the deflate stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrapping {
    #[cfg(feature = "deflate")]
    Raw,
    #[cfg(feature = "zlib")]
    Zlib,
    #[cfg(feature = "gzip")]
    Gzip,
}

impl Wrapping {
    pub(crate) fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "deflate")]
            Self::Raw => "deflate",
            #[cfg(feature = "zlib")]
            Self::Zlib => "zlib",
            #[cfg(feature = "gzip")]
            Self::Gzip => "gzip",
        }
    }

    /// Whether the dictionary is given to the decoder before the first byte; zlib's asks for it.
    pub(crate) fn primes_decoder(self) -> bool {
        match self {
            #[cfg(feature = "deflate")]
            Self::Raw => true,
            #[cfg(feature = "zlib")]
            Self::Zlib => false,
            #[cfg(feature = "gzip")]
            Self::Gzip => false,
        }
    }

    pub(crate) fn has_header(self) -> bool {
        !self.primes_decoder()
    }

    #[cfg_attr(
        not(feature = "zlib"),
        expect(unused_variables, reason = "only zlib's header tells of settings")
    )]
    pub(crate) fn header(self, level: u32, window_log: u8, dictionary: Option<&[u8]>) -> Vec<u8> {
        match self {
            #[cfg(feature = "deflate")]
            Self::Raw => Vec::new(),
            #[cfg(feature = "zlib")]
            Self::Zlib => zlib_header(level, window_log, dictionary),
            // Deflate, no flags, no time, nothing of the level, and no system.
            #[cfg(feature = "gzip")]
            Self::Gzip => vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff],
        }
    }

    pub(crate) fn check(self) -> Check {
        match self {
            #[cfg(feature = "deflate")]
            Self::Raw => Check::None,
            #[cfg(feature = "zlib")]
            Self::Zlib => Check::Adler(Adler32::new()),
            #[cfg(feature = "gzip")]
            Self::Gzip => Check::Crc(flate2::Crc::new()),
        }
    }
}

#[cfg(feature = "zlib")]
fn zlib_header(level: u32, window_log: u8, dictionary: Option<&[u8]>) -> Vec<u8> {
    let method = (window_log - 8) << 4 | 8;
    let level = match level {
        0..=1 => 0,
        2..=5 => 1,
        6 => 2,
        _ => 3,
    };
    let flags = level << 6 | u8::from(dictionary.is_some()) << 5;
    // Read as a number, the two are a multiple of 31.
    let rest = u16::from_be_bytes([method, flags]) % 31;
    let mut header = vec![method, flags + (31 - rest as u8)];
    if let Some(dictionary) = dictionary {
        header.extend(adler2::adler32_slice(dictionary).to_be_bytes());
    }
    header
}

/// The checksum of what went in, as far as that has come.
pub(crate) enum Check {
    #[cfg(feature = "deflate")]
    None,
    #[cfg(feature = "zlib")]
    Adler(Adler32),
    #[cfg(feature = "gzip")]
    Crc(flate2::Crc),
}

impl Check {
    #[cfg_attr(
        not(any(feature = "zlib", feature = "gzip")),
        expect(unused_variables, reason = "raw deflate has no checksum")
    )]
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            #[cfg(feature = "deflate")]
            Self::None => {}
            #[cfg(feature = "zlib")]
            Self::Adler(adler) => adler.write_slice(bytes),
            #[cfg(feature = "gzip")]
            Self::Crc(crc) => crc.update(bytes),
        }
    }

    /// What stands behind the stream.
    pub(crate) fn trailer(&self) -> Vec<u8> {
        match self {
            #[cfg(feature = "deflate")]
            Self::None => Vec::new(),
            #[cfg(feature = "zlib")]
            Self::Adler(adler) => adler.checksum().to_be_bytes().to_vec(),
            #[cfg(feature = "gzip")]
            Self::Crc(crc) => [crc.sum().to_le_bytes(), crc.amount().to_le_bytes()].concat(),
        }
    }
}
