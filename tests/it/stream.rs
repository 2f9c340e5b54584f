//! The stream style, over real sockets and in-memory pipes.

use stack::Connection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::toy::Toy;

#[tokio::test]
async fn a_layer_is_pushed_and_popped_while_the_connection_lives() {
    let (a, b) = tokio::io::duplex(7);
    let (mut a, mut b) = (Connection::new(a), Connection::new(b));
    let client = async {
        a.write_all(b"start\n").await.unwrap();
        let mut answer = [0; 3];
        a.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"go\n");
        let id = a.push(Toy::new("toy", 9).client()).await.unwrap();
        a.write_all(b"secret\n").await.unwrap();
        a.pop(id).await.unwrap();
        a.write_all(b"plain\n").await.unwrap();
        a.shutdown().await.unwrap();
        let mut rest = Vec::new();
        a.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"bye\n");
    };
    let server = async {
        let mut line = [0; 6];
        b.read_exact(&mut line).await.unwrap();
        assert_eq!(&line, b"start\n");
        let id = b
            .push_after(b"go\n", Toy::new("toy", 9).server())
            .await
            .unwrap();
        let mut line = [0; 7];
        b.read_exact(&mut line).await.unwrap();
        assert_eq!(&line, b"secret\n");
        b.pop(id).await.unwrap();
        let mut rest = Vec::new();
        b.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"plain\n");
        b.write_all(b"bye\n").await.unwrap();
        b.shutdown().await.unwrap();
    };
    tokio::join!(client, server);
}
