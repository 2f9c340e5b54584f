//! What the tests have in common.

use std::path::PathBuf;
use std::sync::Arc;

use peers::{
    Authority, Folder, MAIL, Mailbox, Manner, Parting, Program, Result, Server, Service, Session,
};
use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};
use tls_layer::TlsVersion;

/// Each version of TLS, with the server's socket whole, and cut at every byte.
pub(crate) const WAYS: [Way; 4] = [
    Way::new(&TLS12, false),
    Way::new(&TLS12, true),
    Way::new(&TLS13, false),
    Way::new(&TLS13, true),
];

/// How a session is to go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub(crate) version: &'static SupportedProtocolVersion,
    pub(crate) cut: bool,
}

impl Way {
    const fn new(version: &'static SupportedProtocolVersion, cut: bool) -> Self {
        Self { version, cut }
    }

    /// The version in our words.
    pub(crate) fn tls(self) -> TlsVersion {
        match self.version == &TLS12 {
            true => TlsVersion::Tls12,
            false => TlsVersion::Tls13,
        }
    }
}

/// A folder with the authority's certificate in it, for clients to trust.
pub(crate) struct Setting {
    pub(crate) authority: Authority,
    pub(crate) folder: Folder,
    ca: PathBuf,
}

impl Setting {
    pub(crate) fn new() -> Result<Self> {
        let (authority, folder) = (Authority::new()?, Folder::new("our-server")?);
        let ca = folder.file("ca.pem", &authority.root_pem)?;
        Ok(Self {
            authority,
            folder,
            ca,
        })
    }

    /// The file with the authority's certificate.
    pub(crate) fn ca(&self) -> String {
        self.ca.display().to_string()
    }

    pub(crate) async fn serve(&self, service: Service, way: Way) -> Result<Server> {
        Server::start(service, self.manner(way)?).await
    }

    /// As [`serve`](Self::serve), and FTP's control connection parts with TLS in this manner.
    pub(crate) async fn serve_ftp(&self, way: Way, parting: Parting) -> Result<Server> {
        let mut manner = self.manner(way)?;
        manner.parting = parting;
        Server::start(Service::Ftp, manner).await
    }

    pub(crate) fn manner(&self, way: Way) -> Result<Manner> {
        Ok(Manner {
            config: Arc::new(self.authority.server(&[way.version])?),
            cut: way.cut,
            nests: false,
            parting: Parting::First,
            clear: false,
            mailbox: Mailbox::new([MAIL]),
        })
    }
}

/// Runs a client, which must end well.
pub(crate) async fn run(program: &str, arguments: &[&str], input: &str) -> Result<Program> {
    let done = Program::run(program, arguments, input).await?;
    assert!(done.status.success(), "{program} {arguments:?}: {done:#?}");
    Ok(done)
}

/// The server's next session, which must have ended well, with TLS of this version.
pub(crate) async fn session(server: &mut Server, way: Way) -> Result<Session> {
    let session = server.session().await?;
    assert!(session.end.is_ok(), "{way:?}: {session:#?}");
    let tls = session.tls.as_ref().map(|tls| tls.version);
    assert_eq!(tls, Some(way.tls()), "{session:#?}");
    Ok(session)
}
