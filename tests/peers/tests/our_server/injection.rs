//! command-injection-tester, which smuggles commands in front of TLS.

use std::sync::Arc;

use peers::{Result, Service, is_here};
use tokio::task::JoinSet;

use crate::setting::{Setting, WAYS, Way, run};

const TESTER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../target/peers-venv/bin/command-injection-tester"
);

/// It waits long for answers that must not come; so all are tested at once.
#[tokio::test]
async fn command_injection_tester_finds_nothing_in_smtp_imap_and_pop3() -> Result<()> {
    if !is_here(&["python3", TESTER]) {
        return Ok(());
    }
    let setting = Arc::new(Setting::new()?);
    let mut tests = JoinSet::new();
    for way in WAYS {
        for service in [Service::Smtp, Service::Imap, Service::Pop3] {
            tests.spawn(test(Arc::clone(&setting), service, way));
        }
    }
    while let Some(done) = tests.join_next().await {
        done??;
    }
    Ok(())
}

async fn test(setting: Arc<Setting>, service: Service, way: Way) -> Result<()> {
    let server = setting.serve(service, way).await?;
    let (protocol, port) = (format!("--{service}"), server.port.to_string());
    let port_of = format!("--{service}-port");
    let logs = setting.folder.path().display().to_string();
    let arguments = [
        TESTER,
        &protocol,
        &port_of,
        &port,
        "--nocolor",
        "--logdir",
        &logs,
        "127.0.0.1",
    ];
    let tester = run("python3", &arguments, "").await?;
    // Its status says nothing.
    let output = &tester.output;
    assert!(output.contains("Sanity test done"), "{tester:#?}");
    assert!(
        output.contains("Testing for command injection"),
        "{tester:#?}"
    );
    // "Command injection here!", "Possible command injection here", and their like.
    assert!(!output.contains("ommand injection here"), "{tester:#?}");
    Ok(())
}
