//! A connection split in two halves for two tasks, as any stream of tokio's is.

use general_layers::Counters;
use stack::{Connection, Handle};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split};
use tokio::task::JoinHandle;

use crate::real::{client, configs, pattern, server};

const BYTES: usize = 300_000;

/// The tasks that read and write, and the handle of both.
struct Halves {
    reading: JoinHandle<ReadHalf<Connection<DuplexStream>>>,
    writing: JoinHandle<WriteHalf<Connection<DuplexStream>>>,
    handle: Handle,
}

/// Writes one pattern and reads the other, each in a task.
fn begin(mut connection: Connection<DuplexStream>, n: usize) -> Halves {
    let handle = connection.handle();
    let (mut reader, mut writer) = split(connection);
    Halves {
        handle,
        writing: tokio::spawn(async move {
            for piece in pattern(BYTES, n).chunks(997) {
                writer.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
            writer.flush().await.unwrap();
            writer
        }),
        reading: tokio::spawn(async move {
            let mut read = vec![0; BYTES];
            reader.read_exact(&mut read).await.unwrap();
            assert!(read == pattern(BYTES, 1 - n), "what {n} reads has changed");
            reader
        }),
    }
}

/// Both halves of both ends are busy, each in a task of its own, while the handles put TLS in the place of
/// TLS, and watches below and above it; then the halves are one connection again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_halves_flow_while_the_handle_changes_the_layers() {
    let (client_config, server_config) = configs();
    let (near, far) = duplex(4096);
    let (mut near, mut far) = (Connection::new(near), Connection::new(far));
    let (near_tls, far_tls) = tokio::join!(
        near.push(client(&client_config)),
        far.push(server(&server_config))
    );
    let (near, far) = (begin(near, 0), begin(far, 1));

    let (old, handle) = (near_tls.unwrap(), &near.handle);
    let below = handle.insert_below(old, Counters::new()).await.unwrap();
    let above = handle.push(Counters::new()).await.unwrap();
    let (new_near, new_far) = (client(&client_config), server(&server_config));
    let replaced = tokio::join!(
        handle.replace(old, new_near),
        far.handle.replace(far_tls.unwrap(), new_far)
    );
    assert!(replaced.0.is_ok() && replaced.1.is_ok());
    let (counted, _) = handle.pop(below).await.unwrap();
    assert!(counted.sent().bytes > 0);
    handle.pop(above).await.unwrap();
    let drawing = handle.look(|stack| stack.to_string()).await.unwrap();
    assert!(drawing.starts_with("app <=> tls <=> "), "{drawing}");

    let near = near
        .reading
        .await
        .unwrap()
        .unsplit(near.writing.await.unwrap());
    let far = far
        .reading
        .await
        .unwrap()
        .unsplit(far.writing.await.unwrap());
    let (mut near, mut far) = (near, far);
    near.write_all(b"one again").await.unwrap();
    near.shutdown().await.unwrap();
    let mut heard = String::new();
    far.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "one again");
}
