//! A gateway that runs.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use peers::{Authority, Folder, Result};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// No time decides a test; this only ends one that hangs.
const LONGEST: Duration = Duration::from_secs(60);

/// One, which is gone when this is dropped.
pub(crate) struct Gateway {
    pub(crate) port: u16,
    pub(crate) authority: Authority,
    pub(crate) folder: Folder,
    child: Child,
    output: Lines<BufReader<ChildStdout>>,
}

impl Gateway {
    /// Starts one before this server.
    pub(crate) async fn start(
        protocol: &str,
        backend: std::net::SocketAddr,
        more: &[&str],
    ) -> Result<Self> {
        let folder = Folder::new("gateway")?;
        let authority = Authority::new()?;
        let chain = folder.file("chain.pem", &authority.chain_pem)?;
        let key = folder.file("key.pem", &authority.key_pem)?;
        folder.file("root.pem", &authority.root_pem)?;
        let listen = match more.contains(&"--listen") {
            true => [].as_slice(),
            false => &["--listen", "127.0.0.1:0"],
        };
        let mut child = Command::new(env!("CARGO_BIN_EXE_starttls_gateway"))
            .args(["--protocol", protocol, "--backend", &backend.to_string()])
            .arg("--certificate")
            .arg(chain)
            .arg("--key")
            .arg(key)
            .args(listen)
            .args(more)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = child.stdout.take().ok_or("no output")?;
        let mut output = BufReader::new(output).lines();
        let first = timeout(LONGEST, output.next_line()).await??;
        let port = first
            .as_deref()
            .and_then(|line| line.strip_prefix("listening on "))
            .and_then(|address| address.rsplit(':').next());
        let port = port.ok_or("it does not say where it listens")?.parse()?;
        Ok(Self {
            port,
            authority,
            folder,
            child,
            output,
        })
    }

    /// The file of whom clients are to trust.
    pub(crate) fn root(&self) -> Result<String> {
        let path = self.folder.path().join("root.pem");
        Ok(path.to_str().ok_or("no text")?.to_owned())
    }

    /// What it says of the next connection that is over.
    pub(crate) async fn account(&mut self) -> Result<String> {
        let line = timeout(LONGEST, self.output.next_line()).await??;
        Ok(line.ok_or("it has ended")?)
    }

    /// Sends it a signal.
    pub(crate) async fn signal(&self, name: &str) -> Result<()> {
        let id = self.child.id().ok_or("it has ended")?.to_string();
        let status = Command::new("kill")
            .args(["-s", name, &id])
            .status()
            .await?;
        status
            .success()
            .then_some(())
            .ok_or_else(|| "kill has failed".into())
    }

    /// How it ends, once it does.
    pub(crate) async fn wait(&mut self) -> Result<ExitStatus> {
        Ok(timeout(LONGEST, self.child.wait()).await??)
    }
}
