//! Pushes and pops over an in-memory pair.

use stack::{ErrorKind, Popping, PushError};

use crate::pair::{Cut, Pair, read_all, read_epochs};
use crate::toy::{Toy, Witness};

#[test]
fn bytes_cross_exactly_the_layers_that_stood_when_they_were_written() {
    for cut in Cut::EACH {
        let mut pair = Pair::new(cut);
        pair.a.write(b"plain ").unwrap();
        pair.a.push(Toy::new("toy", 1)).unwrap();
        pair.a.write(b"tagged").unwrap();
        pair.b.flush();
        crate::pair::carry(&mut pair.a, &mut pair.b, Cut::At(6));
        let (toy, text) = (Toy::new("toy", 1), b"plain ");
        assert_eq!(&pair.b.readable()[..6], text);
        pair.b.consume(6);
        pair.b.push(toy).unwrap();
        pair.settle();
        assert_eq!(read_all(&mut pair.b), b"tagged");
    }
}

#[test]
fn both_pop_and_what_follows_is_plain() {
    for cut in Cut::EACH {
        let mut pair = Pair::new(cut);
        let a = pair.a.push(Toy::new("toy", 1)).unwrap();
        let b = pair.b.push(Toy::new("toy", 1)).unwrap();
        pair.a.write(b"a's tagged ").unwrap();
        pair.b.write(b"b's tagged ").unwrap();
        pair.a.start_pop(a.key()).unwrap();
        pair.a.write(b"a's plain").unwrap();
        pair.settle();
        // b sees the clean end of the epoch; what follows waits.
        assert_eq!(read_all(&mut pair.b), b"a's tagged ");
        assert_eq!(pair.b.parked(), Some(b.key()));
        assert!(pair.b.input_end().is_some());
        pair.b.write(b"more ").unwrap();
        pair.b.start_pop(b.key()).unwrap();
        pair.b.write(b"b's plain").unwrap();
        assert_eq!(pair.b.popping(b.key()), Popping::Left);
        pair.settle();
        assert_eq!(read_epochs(&mut pair.b), [(vec![], "a's plain".to_owned())]);
        assert_eq!(
            read_epochs(&mut pair.a),
            [
                (vec!["toy".to_owned()], "b's tagged more ".to_owned()),
                (vec![], "b's plain".to_owned())
            ]
        );
        assert!(pair.a.take_popped(a).is_some() && pair.b.take_popped(b).is_some());
        assert!(pair.a.input_end().is_none());
    }
}

#[test]
fn residue_is_rejected_and_never_read() {
    let mut pair = Pair::new(Cut::Lump);
    pair.a.write(b"STARTTLS\r\nNOOP\r\n").unwrap();
    pair.settle();
    pair.b.consume(10);
    match pair
        .b
        .push_after(b"220 go\r\n", Toy::new("toy", 1).server())
    {
        Err(PushError::Rejected { residue, error, .. }) => {
            assert_eq!(residue, b"NOOP\r\n");
            assert_eq!(error.kind(), ErrorKind::Residue);
            assert_eq!(error.layer(), Some("toy"));
        }
        other => panic!("{other:?}"),
    }
    assert!(pair.b.outgoing().is_empty());
    pair.settle();
    assert!(pair.b.readable().is_empty());
    assert!(pair.b.input_end().unwrap().error().is_some());
}

#[test]
fn the_order_of_a_life() {
    let (witness, log) = Witness::new();
    let mut pair = Pair::new(Cut::Lump);
    pair.a.push(witness).unwrap();
    pair.b.write(b"ping").unwrap();
    pair.settle();
    pair.a.write(b"pong").unwrap();
    pair.a.receive_end();
    pair.a.shutdown();
    drop(pair);
    assert_eq!(
        *log.lock().unwrap(),
        [
            "attached",
            "received ping",
            "sent pong",
            "end received",
            "lost: clean"
        ]
    );
}
