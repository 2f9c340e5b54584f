//! Programs that are not ours.

use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::join;
use tokio::process::Command;
use tokio::time::timeout;

/// Whether each of these programs is installed. If one is not, the test [is skipped](skip).
pub fn is_here(programs: &[&str]) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    // Servers mostly are where only root looks.
    let folders = std::env::split_paths(&paths).chain(["/usr/sbin".into(), "/sbin".into()]);
    let folders: Vec<_> = folders.collect();
    for program in programs {
        if !folders.iter().any(|folder| folder.join(program).is_file()) {
            skip(&format!("{program} is not installed"));
            return false;
        }
    }
    true
}

/// Says aloud why a test is skipped; with `REQUIRE_PEERS` set it panics.
pub fn skip(why: &str) {
    assert!(
        std::env::var_os("REQUIRE_PEERS").is_none(),
        "REQUIRE_PEERS is set, and {why}"
    );
    eprintln!("SKIPPED: {why}");
}

/// How long a program may take.
const LONGEST: Duration = Duration::from_secs(60);

/// What a program said, and how it ended.
#[derive(Debug)]
pub struct Program {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to its standard output.
    pub output: String,
    /// What it wrote to its standard error.
    pub errors: String,
}

impl Program {
    /// Runs a program to its end, with `input` on its standard input. It is killed when that takes
    /// a minute, which is an error, or when the future is dropped.
    pub async fn run(program: &str, arguments: &[&str], input: &str) -> crate::Result<Self> {
        let done = output(program, arguments, input.as_bytes()).await?;
        Ok(Self {
            status: done.status,
            output: String::from_utf8_lossy(&done.stdout).into_owned(),
            errors: String::from_utf8_lossy(&done.stderr).into_owned(),
        })
    }

    /// What a program makes of `input`, byte for byte. It is [run](Self::run) so, and must end well.
    pub async fn filter(program: &str, arguments: &[&str], input: &[u8]) -> crate::Result<Vec<u8>> {
        let done = output(program, arguments, input).await?;
        if !done.status.success() {
            let errors = String::from_utf8_lossy(&done.stderr);
            return Err(format!("{program} {arguments:?}: {}: {errors}", done.status).into());
        }
        Ok(done.stdout)
    }
}

async fn output(program: &str, arguments: &[&str], input: &[u8]) -> crate::Result<Output> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdin = child.stdin.take();
    let write = async {
        if let Some(mut stdin) = stdin {
            // It may have ended without reading.
            let _ = stdin.write_all(input).await;
        }
    };
    // It may write before it has read all.
    let done = async { join!(write, child.wait_with_output()).1 };
    let done = timeout(LONGEST, done).await;
    Ok(done.map_err(|_| format!("{program} {arguments:?} does not end"))??)
}
