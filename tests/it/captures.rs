//! Captures, as tshark reads them: a peer that is not ours.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use general_layers::{Capture, Pcap};
use stack::Connection;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use crate::real;

/// Whether tshark is here. Without it a test has nothing to say, and says so; with `REQUIRE_PEERS`
/// set it fails.
fn tshark_is_here() -> bool {
    let here = Command::new("tshark").arg("--version").output().is_ok();
    assert!(
        here || std::env::var_os("REQUIRE_PEERS").is_none(),
        "REQUIRE_PEERS is set, and tshark is not installed"
    );
    if !here {
        eprintln!("SKIPPED: tshark is not installed");
    }
    here
}

/// What tshark says of the capture; all that it complains of is an error.
fn tshark(capture: &Path, arguments: &[&str]) -> String {
    let output = Command::new("tshark")
        .args([
            "-n",
            "-o",
            "ip.check_checksum:TRUE",
            "-o",
            "tcp.check_checksum:TRUE",
            "-r",
        ])
        .arg(capture)
        .args(arguments)
        .output()
        .unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    let complaints = complaints
        .lines()
        .filter(|line| !line.starts_with("Running as user"));
    assert_eq!(complaints.collect::<Vec<_>>().join("\n"), "");
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// The bytes of the TCP stream with this number: from the end that opened it, and from the other.
fn follow(capture: &Path, stream: usize) -> [Vec<u8>; 2] {
    let followed = tshark(capture, &["-q", "-z", &format!("follow,tcp,raw,{stream}")]);
    let mut ways = [Vec::new(), Vec::new()];
    for line in followed.lines() {
        let way = &mut ways[usize::from(line.starts_with('\t'))];
        let digits = line.trim_start().as_bytes();
        if digits.iter().all(u8::is_ascii_hexdigit) {
            let pairs = digits
                .chunks(2)
                .map(|pair| std::str::from_utf8(pair).unwrap());
            way.extend(pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()));
        }
    }
    ways
}

/// Nothing about the packets seems wrong to tshark.
fn is_sound(capture: &Path) {
    let wrong = "tcp.analysis.flags || _ws.malformed || tcp.checksum.status == 0 || ip.checksum.status == 0";
    assert_eq!(tshark(capture, &["-Y", wrong]), "");
}

fn file(name: &str) -> (PathBuf, Capture) {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let file = BufWriter::new(File::create(&path).unwrap());
    (path, Capture::new(file))
}

#[tokio::test]
async fn tshark_follows_what_was_carried() {
    if !tshark_is_here() {
        return;
    }
    let (path, capture) = file("plain.pcap");
    let (a, b) = duplex(10_000);
    let (mut a, mut b) = (Connection::new(a), Connection::new(b));
    let began = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    a.push(Pcap::new(&capture, began)).await.unwrap();
    let ends = ["[2001:db8::b]:4000", "[2001:db8::a]:50000"].map(|end| end.parse().unwrap());
    let at_b = Pcap::new(&capture, began)
        .between(ends[0], ends[1])
        .accepted();
    b.push(at_b).await.unwrap();

    let (asked, answered) = (vec![b'?'; 200_000], vec![b'!'; 300_000]);
    let (mut from, mut to) = tokio::io::split(a);
    let asking = async {
        to.write_all(&asked).await.unwrap();
        to.shutdown().await.unwrap();
        let mut came = Vec::new();
        from.read_to_end(&mut came).await.unwrap();
        came
    };
    let answering = async {
        let mut came = Vec::new();
        b.read_to_end(&mut came).await.unwrap();
        b.write_all(&answered).await.unwrap();
        b.shutdown().await.unwrap();
    };
    let (came, ()) = tokio::join!(asking, answering);
    assert!(came == answered);
    capture.flush().unwrap();

    is_sound(&path);
    for stream in [0, 1] {
        let ways = follow(&path, stream);
        assert!(ways[0] == asked && ways[1] == answered, "stream {stream}");
    }
    assert_eq!(
        tshark(
            &path,
            &[
                "-Y",
                "tcp.flags.fin == 1",
                "-T",
                "fields",
                "-e",
                "tcp.stream"
            ]
        )
        .lines()
        .count(),
        4
    );
    let first = tshark(
        &path,
        &["-c", "1", "-T", "fields", "-e", "frame.time_epoch"],
    );
    assert!(first.starts_with("1800000000."), "{first}");
}

#[tokio::test]
async fn tshark_sees_tls_below_it_and_what_it_protects_above_it() {
    if !tshark_is_here() {
        return;
    }
    let (path, capture) = file("tls.pcap");
    let (client, server) = real::configs();
    let (a, b) = duplex(10_000);
    let (mut a, mut b) = (Connection::new(a), Connection::new(b));
    let began = SystemTime::UNIX_EPOCH;
    a.push(Pcap::new(&capture, began)).await.unwrap();
    let (tls, served) = tokio::join!(a.push(real::client(&client)), b.push(real::server(&server)));
    let (tls, _) = (tls.unwrap(), served.unwrap());
    let above = a.push(Pcap::new(&capture, began)).await.unwrap();
    a.write_all(b"EHLO").await.unwrap();
    a.flush().await.unwrap();
    b.read_exact(&mut [0; 4]).await.unwrap();
    b.write_all(b"250 ").await.unwrap();
    b.flush().await.unwrap();
    a.read_exact(&mut [0; 4]).await.unwrap();
    // Popped live, with TLS below it: its capture ends there.
    a.pop(above).await.unwrap();
    a.write_all(b"unseen").await.unwrap();
    a.flush().await.unwrap();
    assert_eq!(a.layers().count(), 2);
    drop((a, tls));
    capture.flush().unwrap();

    is_sound(&path);
    let name = "tls.handshake.extensions_server_name";
    let hello = tshark(
        &path,
        &[
            "-Y",
            "tls.handshake.type == 1",
            "-T",
            "fields",
            "-e",
            "tcp.stream",
            "-e",
            name,
        ],
    );
    assert_eq!(hello, "0\tmail.example\n");
    let records = tshark(&path, &["-Y", "tls.record.opaque_type == 23"]);
    assert!(records.lines().count() >= 3, "{records}");
    assert_eq!(follow(&path, 1), [b"EHLO".to_vec(), b"250 ".to_vec()]);
}
