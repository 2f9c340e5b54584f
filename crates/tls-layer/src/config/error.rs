//! What is wrong with what a configuration was to be made of, and where.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};

/// A configuration cannot be made: what is wrong, and in which file.
#[derive(Debug)]
pub struct ConfigError {
    kind: ConfigErrorKind,
    place: Option<Place>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConfigErrorKind {
    /// The file cannot be read.
    Unreadable,
    /// Something in it begins like PEM (RFC 7468), and is not.
    NotPem,
    /// There is no certificate.
    NoCertificate,
    /// The certificate of this number, from 1, is not X.509 as rustls understands it.
    BadCertificate(usize),
    /// There is no private key, or only an encrypted one.
    NoKey,
    /// The private key is not of a kind that the provider can use.
    BadKey,
    /// The private key is another than that of the chain's first certificate.
    KeyMismatch,
    /// No provider was given, and the process has no default.
    NoProvider,
    /// The provider has not enough for any version of TLS.
    BadProvider,
}

/// Where it is wrong.
#[derive(Debug)]
pub(super) enum Place {
    File(PathBuf),
    Memory,
    #[cfg(feature = "native-roots")]
    System,
}

impl ConfigErrorKind {
    pub(super) fn of(self, place: Place) -> ConfigError {
        ConfigError::from(self).of(place)
    }

    pub(super) fn because(self, source: impl Error + Send + Sync + 'static) -> ConfigError {
        ConfigError::from(self).because(source)
    }
}

impl From<ConfigErrorKind> for ConfigError {
    fn from(kind: ConfigErrorKind) -> Self {
        Self {
            kind,
            place: None,
            source: None,
        }
    }
}

impl ConfigError {
    pub(super) fn of(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    pub(super) fn because(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// What is wrong.
    pub fn kind(&self) -> ConfigErrorKind {
        self.kind
    }

    /// The file that it is wrong with. `None` if there is none: it was in memory, or is not about
    /// a file.
    pub fn file(&self) -> Option<&Path> {
        match &self.place {
            Some(Place::File(file)) => Some(file),
            _ => None,
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(Place::File(file)) => write!(f, "{}: ", file.display())?,
            Some(Place::Memory) => f.write_str("PEM in memory: ")?,
            #[cfg(feature = "native-roots")]
            Some(Place::System) => f.write_str("the system's roots: ")?,
            None => {}
        }
        write!(f, "{}", self.kind)?;
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ConfigErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "it cannot be read",
            Self::NotPem => "it is not PEM",
            Self::NoCertificate => "there is no certificate",
            Self::BadCertificate(n) => return write!(f, "certificate {n} cannot be used"),
            Self::NoKey => "there is no private key that is not encrypted",
            Self::BadKey => "the private key cannot be used",
            Self::KeyMismatch => "the private key is not that of the certificate",
            Self::NoProvider => "no CryptoProvider was given, and the process has no default",
            Self::BadProvider => "the CryptoProvider does not do",
        })
    }
}

impl Error for ConfigError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
