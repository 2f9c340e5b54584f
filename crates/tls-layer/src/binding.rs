//! What ties an authentication to the certificate of the TLS server.

use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use spki::der::asn1::AnyRef;
use spki::der::{Reader, SliceReader, TagMode, TagNumber};
use spki::{AlgorithmIdentifierRef, Error, ObjectIdentifier};

/// The channel binding `tls-server-end-point` (RFC 5929, section 4), for SCRAM-SHA-256-PLUS and its
/// like: the hash of the server's certificate in DER, by the hash of that certificate's signature.
/// A client finds the certificate in [`TlsInfo`](crate::TlsInfo); a server knows its own.
///
/// `None` if none is defined: the signature has no hash of its own (Ed25519) or one that RFC 5929
/// was not written for, or the bytes are not a certificate.
///
/// ```
/// # use tls_layer::{TlsInfo, server_end_point};
/// fn binding(info: &TlsInfo) -> Option<Vec<u8>> {
///     server_end_point(info.peer_certificates.first()?)
/// }
/// ```
pub fn server_end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    Some(match signature_hash(certificate).ok()?? {
        Hash::Sha224 => Sha224::digest(certificate).to_vec(),
        Hash::Sha256 => Sha256::digest(certificate).to_vec(),
        Hash::Sha384 => Sha384::digest(certificate).to_vec(),
        Hash::Sha512 => Sha512::digest(certificate).to_vec(),
    })
}

#[derive(Clone, Copy)]
enum Hash {
    Sha224,
    /// Also in place of MD5 and SHA-1.
    Sha256,
    Sha384,
    Sha512,
}

/// The hash of a certificate's signature: the second of its three parts (RFC 5280, section 4.1)
/// names the algorithm.
fn signature_hash(certificate: &[u8]) -> Result<Option<Hash>, Error> {
    let mut reader = SliceReader::new(certificate)?;
    let hash = reader.sequence(|certificate| {
        certificate.tlv_bytes()?;
        let algorithm = certificate.decode()?;
        certificate.tlv_bytes()?;
        algorithm_hash(algorithm)
    })?;
    reader.finish()?;
    Ok(hash)
}

/// The hash of a signature algorithm (RFC 8017, appendix A.2; RFC 5758, section 3.2).
fn algorithm_hash(algorithm: AlgorithmIdentifierRef<'_>) -> Result<Option<Hash>, Error> {
    Ok(match algorithm.oid {
        RSA_PSS => return pss_hash(algorithm.parameters_any()?),
        RSA_MD5 | RSA_SHA1 | RSA_SHA256 | ECDSA_SHA1 | ECDSA_SHA256 => Some(Hash::Sha256),
        RSA_SHA224 | ECDSA_SHA224 => Some(Hash::Sha224),
        RSA_SHA384 | ECDSA_SHA384 => Some(Hash::Sha384),
        RSA_SHA512 | ECDSA_SHA512 => Some(Hash::Sha512),
        _ => None,
    })
}

/// The hash that the parameters of RSASSA-PSS name (RFC 8017, appendix A.2.3).
fn pss_hash(parameters: AnyRef<'_>) -> Result<Option<Hash>, Error> {
    let named = parameters.sequence(|parameters| {
        let hash = parameters.context_specific(TagNumber(0), TagMode::Explicit)?;
        while !parameters.is_finished() {
            parameters.tlv_bytes()?;
        }
        Ok::<Option<AlgorithmIdentifierRef<'_>>, Error>(hash)
    })?;
    Ok(match named.map(|hash| hash.oid) {
        None | Some(SHA1 | SHA256) => Some(Hash::Sha256),
        Some(SHA224) => Some(Hash::Sha224),
        Some(SHA384) => Some(Hash::Sha384),
        Some(SHA512) => Some(Hash::Sha512),
        Some(_) => None,
    })
}

const RSA_MD5: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.4");
const RSA_SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5");
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const RSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const RSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const RSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
const RSA_SHA224: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.14");
const ECDSA_SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.1");
const ECDSA_SHA224: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.1");
const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const ECDSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4");
const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
const SHA224: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.4");

#[cfg(test)]
mod tests {
    use rustls::crypto::ring::cipher_suite::{TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384};

    use super::*;

    const RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01"; // 1.2.840.113549.1.1
    const ECDSA: &[u8] = b"\x2a\x86\x48\xce\x3d\x04"; // 1.2.840.10045.4
    const SHA2: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02"; // 2.16.840.1.101.3.4.2

    fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let body = parts.concat();
        [&[tag, body.len() as u8], &body[..]].concat()
    }

    /// An algorithm's name, from its arc and the rest, and its parameters.
    fn algorithm(arc: &[u8], rest: &[u8], parameters: &[u8]) -> Vec<u8> {
        tlv(0x30, &[&tlv(6, &[arc, rest]), parameters])
    }

    /// RSASSA-PSS with this hash, and a salt's length.
    fn pss(hash: &[u8]) -> Vec<u8> {
        let salt = tlv(0xa2, &[&tlv(2, &[&[32]])]);
        algorithm(RSA, &[10], &tlv(0x30, &[hash, &salt]))
    }

    /// As much of a certificate as matters here.
    fn certificate(algorithm: &[u8]) -> Vec<u8> {
        let signed = tlv(0x30, &[&tlv(2, &[&[7]])]);
        tlv(0x30, &[&signed, algorithm, &tlv(3, &[&[0, 1, 2]])])
    }

    #[test]
    fn the_hash_is_that_of_the_signature_and_never_a_broken_one() {
        let null = [5, 0];
        for (algorithm, bytes) in [
            (algorithm(RSA, &[4], &null), 32), // MD5
            (algorithm(RSA, &[5], &null), 32), // SHA-1
            (algorithm(RSA, &[11], &null), 32),
            (algorithm(RSA, &[12], &null), 48),
            (algorithm(RSA, &[13], &null), 64),
            (algorithm(RSA, &[14], &null), 28),
            (algorithm(ECDSA, &[1], &[]), 32), // SHA-1
            (algorithm(ECDSA, &[3, 1], &[]), 28),
            (algorithm(ECDSA, &[3, 2], &[]), 32),
            (algorithm(ECDSA, &[3, 3], &[]), 48),
            (algorithm(ECDSA, &[3, 4], &[]), 64),
            (pss(&[]), 32), // SHA-1
            (pss(&tlv(0xa0, &[&algorithm(SHA2, &[1], &null)])), 32),
            (pss(&tlv(0xa0, &[&algorithm(SHA2, &[2], &[])])), 48),
            (pss(&tlv(0xa0, &[&algorithm(SHA2, &[3], &[])])), 64),
            (pss(&tlv(0xa0, &[&algorithm(SHA2, &[4], &[])])), 28),
        ] {
            let binding = server_end_point(&certificate(&algorithm)).unwrap();
            assert_eq!(binding.len(), bytes, "{algorithm:x?}");
        }
    }

    #[test]
    fn it_is_the_hash_of_the_whole_certificate() {
        for (rest, suite) in [(2, TLS13_AES_128_GCM_SHA256), (3, TLS13_AES_256_GCM_SHA384)] {
            let certificate = certificate(&algorithm(ECDSA, &[3, rest], &[]));
            let hash = suite.tls13().unwrap().common.hash_provider;
            let binding = server_end_point(&certificate).unwrap();
            assert_eq!(binding, hash.hash(&certificate).as_ref());
        }
    }

    #[test]
    fn without_a_hash_of_its_own_none_is_defined() {
        let ed25519 = certificate(&algorithm(&[0x2b, 0x65], &[0x70], &[]));
        let sha3 = certificate(&pss(&tlv(0xa0, &[&algorithm(SHA2, &[8], &[])])));
        assert_eq!(server_end_point(&ed25519), None);
        assert_eq!(server_end_point(&sha3), None);
    }

    #[test]
    fn what_is_no_certificate_has_none() {
        let whole = certificate(&algorithm(ECDSA, &[3, 2], &[]));
        for n in 0..whole.len() {
            assert_eq!(server_end_point(&whole[..n]), None);
        }
        assert_eq!(server_end_point(&[&whole[..], b"\0"].concat()), None);
        assert!(server_end_point(&whole).is_some());
    }
}
