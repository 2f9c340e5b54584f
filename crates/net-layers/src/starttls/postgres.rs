//! PostgreSQL's SSLRequest (protocol 3.0).

use stack::{Error, Residue};

use super::error::{StarttlsError, unexpected};
use super::server::SSL_REQUEST;
use crate::{Next, Opening};

pub(super) struct Postgres;

impl Opening for Postgres {
    fn name(&self) -> &str {
        "postgres"
    }

    fn residue(&self) -> Residue {
        Residue::Reject
    }

    fn begin(&mut self, say: &mut Vec<u8>) -> Result<Next, Error> {
        say.extend(SSL_REQUEST);
        Ok(Next::Hear)
    }

    fn hear(&mut self, bytes: &[u8], _: &mut Vec<u8>) -> Result<(usize, Next), Error> {
        match bytes[0] {
            b'S' => Ok((1, Next::Done)),
            b'N' => Err(StarttlsError::NotOffered.into()),
            // An error message in plain can be anybody's: it is not even read (CVE-2024-10977).
            other => Err(unexpected(&char::from(other).to_string())),
        }
    }
}
