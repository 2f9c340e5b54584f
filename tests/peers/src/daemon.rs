//! Servers that are not ours.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

use crate::{Authority, Folder, Result, is_here, skip};

/// How long a server may take until it answers.
const LONGEST: Duration = Duration::from_secs(60);

/// A server, as `servers/NAME.sh` describes it. It ends when this is dropped, and when the test ends
/// in whatever way.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    /// Its services, by the names that the script knows, and their ports.
    services: Vec<(&'static str, TcpSocket)>,
    authority: Authority,
    folder: Folder,
}

impl Daemon {
    /// Whether servers can be started here: these programs are installed, and we are root, as whom
    /// servers begin. If not, the test [is skipped](skip).
    pub fn is_here(programs: &[&str]) -> bool {
        if fs::metadata("/proc/self").is_ok_and(|us| us.uid() == 0) {
            return is_here(programs);
        }
        skip("only root can start servers");
        false
    }

    /// Starts one, with these services, and waits until all of them answer.
    pub async fn start(name: &str, services: &[&'static str]) -> Result<Self> {
        Self::start_for(name, services, &[]).await
    }

    /// Starts one whose script is to know of these ports, too, which are not its own.
    pub async fn start_for(
        name: &str,
        services: &[&'static str],
        others: &[(&str, u16)],
    ) -> Result<Self> {
        let folder = Folder::new(name)?;
        let authority = Authority::new()?;
        folder.file("chain.pem", &authority.chain_pem)?;
        folder.file("key.pem", &authority.key_pem)?;
        let output = File::create(folder.path().join("output"))?;
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("servers");

        let mut bound = Vec::new();
        let others = others.iter().map(|(name, port)| (name, port.to_string()));
        // A session of its own, and so a process group, which can be ended as one.
        let mut command = Command::new("setsid");
        command.arg("sh").arg(scripts.join("run.sh"));
        command.arg(scripts.join(name).with_extension("sh"));
        command.env("FOLDER", folder.path()).envs(others);
        for &service in services {
            let port = free_port()?;
            let number = port.local_addr()?.port();
            command.env(format!("PORT_{service}"), number.to_string());
            bound.push((service, port));
        }
        let child = command
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()?;
        let mut server = Self {
            child,
            services: bound,
            authority,
            folder,
        };
        let answers = timeout(LONGEST, server.answers()).await;
        match answers.unwrap_or_else(|_| Err("it does not answer".into())) {
            Ok(()) => Ok(server),
            Err(error) => {
                let output = fs::read_to_string(server.folder.path().join("output"))?;
                Err(format!("{name}: {error}\n{output}").into())
            }
        }
    }

    async fn answers(&mut self) -> Result<()> {
        for n in 0..self.services.len() {
            let address = self.services[n].1.local_addr()?;
            while TcpStream::connect(address).await.is_err() {
                self.wait_on().await?;
            }
        }
        // A script that knows better says so.
        while self.folder.path().join("starting").exists() {
            self.wait_on().await?;
        }
        Ok(())
    }

    /// Waits a little, unless it has ended: there is no event for a server that is ready.
    async fn wait_on(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            return Err(format!("it ended: {status}").into());
        }
        sleep(Duration::from_millis(10)).await;
        Ok(())
    }

    /// Where a service is.
    pub fn address(&self, service: &str) -> Result<SocketAddr> {
        let mut services = self.services.iter();
        let found = services.find(|(name, _)| *name == service);
        let (_, port) = found.ok_or("no such service")?;
        Ok(port.local_addr()?)
    }

    /// A connection to a service.
    pub async fn connect(&self, service: &str) -> Result<TcpStream> {
        let socket = TcpStream::connect(self.address(service)?).await?;
        socket.set_nodelay(true)?;
        Ok(socket)
    }

    /// Kills it, so that it says no farewell.
    pub fn kill(&mut self) -> Result<()> {
        Ok(self.child.kill()?)
    }

    /// What it keeps: its configuration, and mostly its log.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Who has signed its certificate.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // This closes its standard input, on which run.sh ends it.
        let _ = self.child.wait();
        // What it left behind is its process group still.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
    }
}

/// A port that nobody else is given. It is bound, but not listened on: that is left to the server,
/// to whom SO_REUSEADDR, which all servers set, gives it as well.
fn free_port() -> Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    Ok(socket)
}
