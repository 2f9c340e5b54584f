//! The layer comes and goes, and each byte crosses it or does not.

use stack::{End, Outcome, Stack};

use crate::wire::{
    CODECS, DEFLATE, Make, ZSTD, bare, carry, feed, for_each_cut, packed, prose, read, wire, with,
};

/// S15: the server's compressed bytes ride right behind its plain answer.
#[test]
fn compressed_bytes_behind_a_plain_answer_are_decoded() {
    for make in CODECS {
        let mut server = bare();
        server.push_after(b"OK\r\n", make()).unwrap();
        server.write(b"* hello at once").unwrap();
        let bytes = wire(&mut server);
        assert!(bytes.starts_with(b"OK\r\n"));
        for_each_cut(&bytes, |pieces| {
            let mut client = bare();
            let mut seen = Vec::new();
            for piece in pieces {
                crate::wire::receive(&mut client, piece);
                if client.layers().count() == 0 && client.readable().starts_with(b"OK\r\n") {
                    client.consume(4);
                    client.push(make()).unwrap();
                }
                if client.layers().count() == 1 {
                    seen.extend(read(&mut client));
                }
            }
            assert_eq!(seen, b"* hello at once");
        });
    }
}

/// C8: what follows the final block goes up as it is, from exactly the next byte.
#[test]
fn bytes_behind_the_end_mark_go_up_on_pop() {
    for make in CODECS {
        let mut bytes = packed(make, &[b"inside"]);
        bytes.extend(b"plain behind");
        for_each_cut(&bytes, |pieces| {
            let (mut stack, id) = with(make);
            stack.start_pop(id.key()).unwrap();
            assert_eq!(feed(&mut stack, pieces), b"insideplain behind");
            assert!(matches!(stack.take_popped(id), Some((_, Outcome::Clean))));
        });
    }
}

/// The peer pops first: the rest waits until this side pops as well.
#[test]
fn an_unasked_end_mark_parks_the_rest() {
    for make in CODECS {
        let mut bytes = packed(make, &[b"inside"]);
        bytes.extend(b"plain behind");
        for_each_cut(&bytes, |pieces| {
            let (mut stack, id) = with(make);
            assert_eq!(feed(&mut stack, pieces), b"inside");
            assert_eq!(stack.parked(), Some(id.key()));
            assert!(matches!(stack.input_end(), Some(End::Clean)));
            stack.start_pop(id.key()).unwrap();
            assert_eq!(read(&mut stack), b"plain behind");
            assert!(stack.take_popped(id).is_some());
        });
    }
}

#[test]
fn one_read_never_straddles_the_end_mark() {
    for make in CODECS {
        let mut bytes = packed(make, &[b"inside"]);
        bytes.extend(b"plain");
        let (mut stack, id) = with(make);
        stack.start_pop(id.key()).unwrap();
        crate::wire::receive(&mut stack, &bytes);
        assert_eq!(stack.readable(), b"inside");
        assert_eq!(stack.epoch().layers().len(), 1);
        stack.consume(6);
        assert_eq!(stack.readable(), b"plain");
        assert_eq!(stack.epoch().layers().len(), 0);
    }
}

#[test]
fn both_ends_pop_with_data_under_way_and_push_again() {
    fn exchange(left: &mut Stack, right: &mut Stack, tag: &str) {
        let (ping, pong) = (format!("ping {tag}"), format!("pong {tag}"));
        left.write(ping.as_bytes()).unwrap();
        right.write(pong.as_bytes()).unwrap();
        assert_eq!(carry(left, right), ping.as_bytes());
        assert_eq!(carry(right, left), pong.as_bytes());
    }
    fn check(make: Make) {
        let (mut left, mut right) = (bare(), bare());
        let (mut at_left, mut at_right) = (make(), make());
        let data = prose(40_000);
        for round in 0..3 {
            exchange(&mut left, &mut right, &format!("plain {round}"));
            let id_left = left.push(at_left).unwrap();
            let id_right = right.push(at_right).unwrap();
            exchange(&mut left, &mut right, &format!("packed {round}"));
            // Each writes, pops and writes on, before anything is carried.
            for (stack, id) in [(&mut left, id_left), (&mut right, id_right)] {
                stack.write(&data[..]).unwrap();
                stack.start_pop(id.key()).unwrap();
                stack.write(b"plain at once").unwrap();
            }
            let expected = [&data[..], b"plain at once"].concat();
            assert!(carry(&mut left, &mut right) == expected);
            assert!(carry(&mut right, &mut left) == expected);
            at_left = left.take_popped(id_left).unwrap().0;
            at_right = right.take_popped(id_right).unwrap().0;
        }
    }
    CODECS.into_iter().for_each(check);
}

/// The lower of two layers leaves; the stream of the upper one goes on over the seam.
#[test]
fn a_layer_below_another_is_popped() {
    let two = || {
        let mut stack = bare();
        let low = stack.push(DEFLATE()).unwrap();
        stack.push(ZSTD().anywhere()).unwrap();
        (stack, low)
    };
    let (mut left, low) = two();
    left.write(b"through both, ").unwrap();
    let mut bytes = wire(&mut left);
    left.write(b"staged in the upper, ").unwrap();
    left.start_pop(low.key()).unwrap();
    left.write(b"through one").unwrap();
    bytes.extend(wire(&mut left));
    for_each_cut(&bytes, |pieces| {
        let (mut right, low) = two();
        right.start_pop(low.key()).unwrap();
        let all = feed(&mut right, pieces);
        assert_eq!(all, b"through both, staged in the upper, through one");
        assert_eq!(right.to_string(), "app <=> zstd <=> network");
        assert!(right.take_popped(low).is_some());
    });
}
