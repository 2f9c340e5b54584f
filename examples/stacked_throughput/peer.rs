//! What the stack is compared with.

use std::fmt;

use clap::ValueEnum;

use crate::kind::{Format, Kind, Version};
use crate::spec::Spec;

/// What the stack is compared with, as it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Peer {
    /// The bare medium.
    Raw,
    /// Boxed wrappers that pass everything on, nested as deep as the stack (at least one).
    Boxed,
    /// tokio-rustls, over the bare medium.
    TokioRustls,
    /// A `BufWriter` of 16 KiB over tokio-rustls.
    Bufwriter,
    /// async-compression, over tokio-rustls if the stack has TLS, else over the bare medium.
    AsyncCompression,
}

/// What it is made of, beside one stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recipe {
    Raw,
    Boxed(usize),
    TokioRustls(Version),
    BufWriter(Version),
    AsyncCompression(Format, i32, Option<Version>),
}

impl Peer {
    /// What users would take instead of such a stack.
    pub(crate) fn usual(spec: &Spec) -> Self {
        match (spec.codec(), spec.tls()) {
            (Some(_), _) => Self::AsyncCompression,
            (None, Some(_)) => Self::TokioRustls,
            (None, None) => Self::Raw,
        }
    }

    /// Beside this stack. Where that has no TLS, or no codec, it is the usual one.
    pub(crate) fn beside(self, spec: &Spec) -> Recipe {
        let tls = spec.tls().unwrap_or(Version::V13);
        match self {
            Self::Raw => Recipe::Raw,
            Self::Boxed => Recipe::Boxed(spec.len().max(1)),
            Self::TokioRustls => Recipe::TokioRustls(tls),
            Self::Bufwriter => Recipe::BufWriter(tls),
            Self::AsyncCompression => {
                let (format, level) = spec.codec().unwrap_or((Format::Zstd, 3));
                Recipe::AsyncCompression(format, level, spec.tls())
            }
        }
    }
}

impl Recipe {
    /// In what its work differs from the stack's, if it does.
    pub(crate) fn differs(self, spec: &Spec) -> Option<String> {
        let mut lacks: Vec<Kind> = spec.kinds().collect();
        let mut adds = Vec::new();
        for kind in self.kinds() {
            match lacks.iter().position(|lacked| *lacked == kind) {
                Some(at) => drop(lacks.remove(at)),
                None => adds.push(kind),
            }
        }
        let mut parts = Vec::new();
        for (what, kinds) in [("has no", lacks), ("has besides", adds)] {
            if !kinds.is_empty() {
                parts.push(format!("{what} {}", Spec::of(kinds)));
            }
        }
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// What layers would do the same.
    pub(crate) fn kinds(self) -> Vec<Kind> {
        match self {
            Self::Raw => Vec::new(),
            Self::Boxed(depth) => vec![Kind::Pass; depth],
            Self::TokioRustls(version) | Self::BufWriter(version) => vec![Kind::Tls(version)],
            Self::AsyncCompression(format, level, tls) => {
                let codec = Kind::Codec(format, level);
                tls.map(Kind::Tls).into_iter().chain([codec]).collect()
            }
        }
    }
}

/// As its row and its line are called.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Raw => "raw",
            Self::Boxed => "boxed",
            Self::TokioRustls => "tokio-rustls",
            Self::Bufwriter => "bufwriter",
            Self::AsyncCompression => "async-compression",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differs(peer: Peer, spec: &str) -> Option<String> {
        let spec = spec.parse().expect("a stack");
        peer.beside(&spec).differs(&spec)
    }

    #[test]
    fn a_peer_that_does_the_same_does_not_differ() {
        assert_eq!(differs(Peer::Raw, ""), None);
        assert_eq!(differs(Peer::Boxed, "pass*4"), None);
        assert_eq!(differs(Peer::TokioRustls, "tls:1.2"), None);
        assert_eq!(differs(Peer::Bufwriter, "tls"), None);
        assert_eq!(differs(Peer::AsyncCompression, "tls,zstd:1"), None);
        assert_eq!(differs(Peer::AsyncCompression, "lz4"), None);
    }

    #[test]
    fn what_a_peer_does_less_or_more_is_said() {
        let said = |peer, spec| differs(peer, spec).expect("a difference");
        assert_eq!(said(Peer::Raw, "tls,pass*2"), "has no tls:1.3,pass*2");
        assert_eq!(said(Peer::TokioRustls, ""), "has besides tls:1.3");
        assert_eq!(said(Peer::Boxed, "tls"), "has no tls:1.3, has besides pass");
        assert_eq!(
            said(Peer::AsyncCompression, "tls,pass"),
            "has no pass, has besides zstd:3"
        );
    }

    #[test]
    fn the_usual_peer_does_the_work_of_the_stack() {
        let usual = |spec: &str| Peer::usual(&spec.parse().expect("a stack"));
        assert_eq!(usual("pass*4"), Peer::Raw);
        assert_eq!(usual("tls,trace"), Peer::TokioRustls);
        assert_eq!(usual("tls,zstd"), Peer::AsyncCompression);
    }
}
