//! What a bomb does to others on the same thread.

use std::cell::Cell;
use std::rc::Rc;

use compress_layer::CompressLayer;
use stack::{Connection, Limits, Stack};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::task::LocalSet;

/// A zstd frame of so many zeros, without its end.
fn bomb(size: usize) -> Vec<u8> {
    let mut stack = Stack::new(Limits::default());
    stack.push(CompressLayer::zstd(1)).unwrap();
    let zeros = vec![0; 1 << 20];
    let mut bomb = Vec::new();
    for _ in 0..size / zeros.len() {
        stack.write(&zeros[..]).unwrap();
        stack.flush();
        bomb.extend_from_slice(stack.outgoing());
        stack.sent(stack.outgoing().len());
    }
    bomb
}

/// C2: however fast it is read, others have their turn in between.
#[tokio::test]
async fn c2_while_a_bomb_is_read_other_connections_of_the_thread_go_on() {
    const SIZE: usize = 32 << 20;
    let (rounds, local) = (Rc::new(Cell::new(0)), LocalSet::new());
    let count = Rc::clone(&rounds);
    local.spawn_local(async move {
        let (near, far) = duplex(100);
        let (mut near, mut far) = (Connection::new(near), Connection::new(far));
        loop {
            near.write_u8(1).await.unwrap();
            near.flush().await.unwrap();
            far.read_u8().await.unwrap();
            count.set(count.get() + 1);
            tokio::task::yield_now().await;
        }
    });
    let reader = local.run_until(async {
        let (near, mut far) = duplex(1 << 20);
        let mut connection = Connection::new(near);
        connection.push(CompressLayer::zstd(1)).await.unwrap();
        far.write_all(&bomb(SIZE)).await.unwrap();
        let (mut read, mut room) = (0, vec![0; 256 << 10]);
        while read < SIZE {
            read += connection.read(&mut room).await.unwrap();
        }
        rounds.get()
    });
    let rounds = reader.await;
    println!("{rounds} rounds");
    assert!(rounds > 10, "{rounds} rounds of others");
}
