//! Where certificates and keys come from.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use rustls::pki_types::pem::{Error, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::error::{ConfigError, ConfigErrorKind, Place};

/// Text in PEM (RFC 7468), in a file or in memory. What is in it beside what is asked for is passed
/// over.
#[derive(Clone, Copy)]
pub struct Pem<'a>(Source<'a>);

#[derive(Clone, Copy)]
enum Source<'a> {
    File(&'a Path),
    Memory(&'a [u8]),
}

impl<'a> From<&'a Path> for Pem<'a> {
    fn from(file: &'a Path) -> Self {
        Self(Source::File(file))
    }
}

impl<'a> From<&'a PathBuf> for Pem<'a> {
    fn from(file: &'a PathBuf) -> Self {
        Self(Source::File(file))
    }
}

impl<'a> From<&'a [u8]> for Pem<'a> {
    fn from(pem: &'a [u8]) -> Self {
        Self(Source::Memory(pem))
    }
}

impl Pem<'_> {
    pub(super) fn place(&self) -> Place {
        match self.0 {
            Source::File(file) => Place::File(file.to_owned()),
            Source::Memory(_) => Place::Memory,
        }
    }

    /// All certificates in it, at least one.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
        let certificates = CertificateDer::pem_slice_iter(&self.read()?)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| ConfigErrorKind::NotPem.because(error).of(self.place()))?;
        if certificates.is_empty() {
            return Err(ConfigErrorKind::NoCertificate.of(self.place()));
        }
        Ok(certificates)
    }

    /// The first private key in it.
    pub(super) fn key(&self) -> Result<PrivateKeyDer<'static>, ConfigError> {
        PrivateKeyDer::from_pem_slice(&self.read()?).map_err(|error| match error {
            Error::NoItemsFound => ConfigErrorKind::NoKey.of(self.place()),
            error => ConfigErrorKind::NotPem.because(error).of(self.place()),
        })
    }

    fn read(&self) -> Result<Cow<'_, [u8]>, ConfigError> {
        match self.0 {
            Source::File(file) => fs::read(file)
                .map(Cow::Owned)
                .map_err(|error| ConfigErrorKind::Unreadable.because(error).of(self.place())),
            Source::Memory(pem) => Ok(Cow::Borrowed(pem)),
        }
    }
}

/// Without what is in it, which may be a key.
impl std::fmt::Debug for Pem<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Pem").field(&self.place()).finish()
    }
}
