//! Changes below the top, replaced layers, several changes as one, anchors and order rules.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use compress_layer::CompressLayer;
use stack::{
    Changes, Chunk, Context, End, Error, ErrorKind, Event, Exit, Flow, Layer, LayerId, Limits,
    Outcome, Popping, Protocol, PushError, Readiness, Residue, Role, Stack, Standing, State,
    Transport, Turn,
};

use crate::pair::{Cut, Pair, read_all, read_epochs};
use crate::real;
use crate::toy::{Stages, TAG, Toy, Witness, mark, record, toy};

fn named(layers: &[&str], text: &str) -> (Vec<String>, String) {
    let layers = layers.iter().map(|name| (*name).to_owned()).collect();
    (layers, text.to_owned())
}

pub(crate) fn refused<L>(pushed: Result<LayerId<L>, PushError<L>>) -> (L, ErrorKind) {
    match pushed.map(|_| ()) {
        Err(PushError::Refused { back, error }) => (back, error.kind()),
        other => panic!("{other:?}"),
    }
}

/// A pair with the same layers on both sides, lowest first.
fn pair_of(cut: Cut, names: &[(&'static str, u8)]) -> (Pair, Vec<[LayerId<Toy>; 2]>) {
    let mut pair = Pair::new(cut);
    let push = |(name, tag): &(&'static str, u8)| {
        let a = pair.a.push(Toy::new(name, *tag)).unwrap();
        [a, pair.b.push(Toy::new(name, *tag)).unwrap()]
    };
    let ids = names.iter().map(push).collect();
    (pair, ids)
}

#[test]
fn scenario_07_a_layer_is_replaced_with_both_directions_in_flight() {
    for cut in Cut::EACH {
        let (mut pair, ids) = pair_of(cut, &[("old", 1), ("top", 4)]);
        pair.a.write(b"a old, ").unwrap();
        pair.b.write(b"b old, ").unwrap();
        pair.a.replace(ids[0][0], Toy::new("new", 2)).unwrap();
        pair.a.write(b"a new, ").unwrap();
        pair.settle();
        // The peer still writes through the old one, and that is still decoded.
        pair.b.write(b"b later, ").unwrap();
        pair.settle();
        assert_eq!(
            pair.a.to_string(),
            "app <=> top <=> new <=> old <=> network"
        );
        let states: Vec<_> = pair.a.layers().map(|layer| layer.state()).collect();
        assert_eq!(
            states,
            [
                State::Leaving { late: false },
                State::Awaiting,
                State::Standing
            ]
        );
        pair.b.replace(ids[0][1], Toy::new("new", 2)).unwrap();
        pair.b.write(b"b new").unwrap();
        pair.a.write(b"a last").unwrap();
        pair.settle();
        assert_eq!(
            read_epochs(&mut pair.a),
            [
                named(&["old", "top"], "b old, b later, "),
                named(&["new", "top"], "b new")
            ],
            "{cut:?}"
        );
        assert_eq!(
            read_epochs(&mut pair.b),
            [
                named(&["old", "top"], "a old, "),
                named(&["new", "top"], "a new, a last")
            ]
        );
        for (stack, id) in [(&mut pair.a, ids[0][0]), (&mut pair.b, ids[0][1])] {
            assert!(matches!(stack.take_popped(id), Some((_, Outcome::Clean))));
            assert_eq!(stack.to_string(), "app <=> top <=> new <=> network");
        }
    }
}

#[test]
fn a_handshake_of_a_replacing_layer_begins_behind_the_old_ones_end_mark() {
    for cut in Cut::EACH {
        let (mut pair, ids) = pair_of(cut, &[("old", 1)]);
        pair.b.write(b"in flight").unwrap();
        pair.a
            .replace(ids[0][0], Toy::new("new", 2).client())
            .unwrap();
        // The deadline of a handshake that cannot begin yet does not run.
        pair.a.advance(Duration::from_secs(60));
        assert!(!pair.a.is_up());
        pair.a.write(b"secret").unwrap();
        pair.b
            .replace(ids[0][1], Toy::new("new", 2).server())
            .unwrap();
        pair.settle();
        assert!(pair.a.is_up() && pair.b.is_up());
        assert_eq!(read_epochs(&mut pair.a), [named(&["old"], "in flight")]);
        assert_eq!(read_epochs(&mut pair.b), [named(&["new"], "secret")]);
    }
}

#[test]
fn scenario_10_below_a_standing_layer_only_in_silence() {
    for cut in Cut::EACH {
        let (mut pair, ids) = pair_of(cut, &[("top", 4)]);
        pair.a.write(b"answer, and more").unwrap();
        pair.settle();
        // The answer is read, and more of the old kind is there: that must not go through.
        pair.b.consume(6);
        let (back, kind) = refused(pair.b.insert_below(ids[0][1], Toy::new("low", 2)));
        assert_eq!((back.name(), kind), ("low", ErrorKind::Refused));
        assert_eq!(read_all(&mut pair.b), b", and more");
        pair.a.insert_below(ids[0][0], Toy::new("low", 2)).unwrap();
        pair.b.insert_below(ids[0][1], Toy::new("low", 2)).unwrap();
        pair.a.write(b"through both").unwrap();
        pair.b.write(b"both ways").unwrap();
        pair.settle();
        assert_eq!(
            read_epochs(&mut pair.b),
            [named(&["low", "top"], "through both")]
        );
        assert_eq!(
            read_epochs(&mut pair.a),
            [named(&["low", "top"], "both ways")]
        );
    }
}

#[test]
fn half_a_record_above_the_place_is_no_silence() {
    let mut stack = Stack::new(Limits::default());
    let top = stack.push(toy()).unwrap();
    let bytes = record(TAG, b"whole");
    stack.receive(&mut bytes[..4].to_vec());
    let (_, kind) = refused(stack.insert_below(top, Toy::new("low", 2)));
    assert_eq!(kind, ErrorKind::Refused);
    stack.receive(&mut bytes[4..].to_vec());
    assert_eq!(read_all(&mut stack), b"whole");
    stack.insert_below(top, Toy::new("low", 2)).unwrap();
}

#[test]
fn what_was_staged_above_an_inserted_layer_goes_out_past_it() {
    let mut stack = Stack::new(Limits::default());
    let stages = stack.push(Stages::default()).unwrap();
    stack.write(b"before").unwrap();
    stack.insert_below(stages, toy()).unwrap();
    stack.write(b"behind").unwrap();
    stack.flush();
    assert_eq!(
        stack.outgoing(),
        [&b"before"[..], &record(TAG, b"behind")].concat()
    );
}

#[test]
fn a_layer_that_changes_nothing_comes_in_anywhere_at_any_time() {
    let (mut pair, ids) = pair_of(Cut::Lump, &[("low", 1), ("top", 4)]);
    pair.a.write(b"unread").unwrap();
    pair.settle();
    let (witness, log) = Witness::new();
    let id = pair.b.insert_above(ids[0][1], witness).unwrap();
    pair.a.write(b", later").unwrap();
    pair.settle();
    assert_eq!(
        read_epochs(&mut pair.b),
        [
            named(&["low", "top"], "unread"),
            named(&["low", "Witness", "top"], ", later")
        ]
    );
    pair.b.start_pop(id).unwrap();
    assert_eq!(pair.b.popping(id), Popping::Left);
    assert_eq!(log.lock().unwrap().len(), 2, "attached, and one record");
}

#[test]
fn a_layer_that_awaits_a_mark_gets_nothing_of_before_it_from_a_layer_between() {
    let limits = Limits {
        inbox: 1,
        work: 1,
        ..Limits::default()
    };
    for cut in Cut::EACH {
        let mut pair = Pair::with_limits(cut, limits.clone());
        let [low, _top] = [("low", 1), ("top", 4)].map(|(name, tag)| {
            let a = pair.a.push(Toy::new(name, tag)).unwrap();
            (a, pair.b.push(Toy::new(name, tag)).unwrap())
        });
        for text in [&b"one, "[..], b"two, ", b"three, "] {
            pair.b.write(text).unwrap();
        }
        for (stack, id) in [(&mut pair.a, low.0), (&mut pair.b, low.1)] {
            stack.start_pop(id).unwrap();
            stack.push(Toy::new("new", 2)).unwrap();
        }
        pair.b.write(b"four").unwrap();
        let mut all = Vec::new();
        while all.len() < 4 {
            pair.settle();
            let epoch = pair.a.epoch();
            let layers = epoch.layers().map(str::to_owned).collect::<Vec<_>>();
            let text = String::from_utf8_lossy(pair.a.readable()).into_owned();
            assert!(!text.is_empty(), "{cut:?} {all:?} {:?}", pair.a);
            pair.a.consume(text.len());
            all.extend(
                text.split_inclusive(", ")
                    .map(|it| (layers.clone(), it.to_owned())),
            );
        }
        let old = |text| named(&["low", "top"], text);
        assert_eq!(
            all,
            [
                old("one, "),
                old("two, "),
                old("three, "),
                named(&["top", "new"], "four")
            ]
        );
        pair.settle();
        assert_eq!(pair.a.popping(low.0), Popping::Left);
    }
}

#[test]
fn above_a_leaving_layer_residue_that_is_to_be_rejected_cannot_be_told() {
    let mut stack = Stack::new(Limits::default());
    let id = stack.push(toy()).unwrap();
    stack.start_pop(id).unwrap();
    let (layer, kind) = refused(stack.push(Toy::new("tls", 2).client()));
    assert_eq!(kind, ErrorKind::Busy);
    stack.receive(&mut mark());
    stack.push(layer).unwrap();
}

#[test]
fn a_layer_is_pushed_above_a_leaving_one_and_popped_before_that_has_left() {
    for cut in Cut::EACH {
        let (mut pair, ids) = pair_of(cut, &[("old", 1)]);
        let [old_a, old_b] = ids[0];
        let mut brief = Vec::new();
        for (stack, old) in [(&mut pair.a, old_a), (&mut pair.b, old_b)] {
            stack.write(b"old, ").unwrap();
            stack.start_pop(old).unwrap();
            brief.push(stack.push(Toy::new("brief", 2)).unwrap());
            stack.write(b"brief, ").unwrap();
            stack.start_pop(*brief.last().unwrap()).unwrap();
            stack.write(b"plain").unwrap();
        }
        pair.settle();
        let expected = [
            named(&["old"], "old, "),
            named(&["brief"], "brief, "),
            named(&[], "plain"),
        ];
        for (stack, brief) in [(&mut pair.a, brief[0]), (&mut pair.b, brief[1])] {
            assert_eq!(read_epochs(stack), expected, "{cut:?}");
            assert_eq!(stack.popping(brief), Popping::Left);
        }
    }
}

#[test]
fn residue_is_handed_back_and_the_layer_begins_behind_it() {
    let mut stack = Stack::new(Limits::default());
    stack.receive(&mut b"old".to_vec());
    stack.push(toy().hand_back()).unwrap();
    stack.receive(&mut record(TAG, b"new"));
    assert_eq!(
        read_epochs(&mut stack),
        [named(&[], "old"), named(&["toy"], "new")]
    );
}

/// Says something when it is attached, and refuses if asked to.
struct Willing {
    name: &'static str,
    refuses: bool,
}

impl Protocol for Willing {
    fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        cx.send(b"hello ");
        match self.refuses {
            true => Err(Error::local("not today")),
            false => Ok(Readiness::Up),
        }
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        cx.deliver(bytes);
        Ok(bytes.len())
    }
}

impl Transport for Willing {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        cx.send(chunk);
        Ok(())
    }
}

impl Layer for Willing {
    fn name(&self) -> &str {
        self.name
    }

    fn exit(&self) -> Exit {
        Exit::Anytime
    }
}

fn willing(name: &'static str) -> Willing {
    Willing {
        name,
        refuses: false,
    }
}

#[test]
fn several_changes_take_effect_as_one() {
    let mut stack = Stack::new(Limits::default());
    let gone = stack.push(willing("gone")).unwrap();
    let stays = stack.push(willing("stays")).unwrap();
    stack.sent(12);
    stack.receive(&mut b"unread".to_vec());
    let mut changes = Changes::new();
    let low = changes.insert_below(stays, willing("low"));
    changes.insert_above(low, willing("mid"));
    changes.remove(gone);
    changes.replace(stays, willing("new"));
    let top = changes.push(willing("top"));
    stack.apply(changes).unwrap();
    assert_eq!(
        stack.to_string(),
        "app <=> top <=> new <=> mid <=> low <=> network"
    );
    assert_eq!(stack.outgoing(), b"hello hello hello hello ");
    assert_eq!(stack.popping(gone), Popping::Left);
    assert_eq!(stack.popping(stays), Popping::Left);
    assert_eq!(stack.popping(top), Popping::NotAsked);
    let ids: Vec<_> = stack.layers().map(|layer| layer.key()).collect();
    assert_eq!((ids[0], ids[3]), (low.key(), top.key()));
    assert_eq!(read_all(&mut stack), b"unread");
}

#[test]
fn of_several_changes_that_fail_nothing_is_left() {
    let steps: [fn(&mut Changes, LayerId<Willing>); 4] = [
        |changes, _| {
            let refuses = true;
            changes.push(Willing {
                name: "unwilling",
                refuses,
            });
        },
        |changes, _| changes.remove(LayerId::key(Changes::new().push(willing("unknown")))),
        |changes, stays| {
            changes.insert_below(stays, toy().hand_back());
        },
        |changes, stays| {
            changes.replace(stays, toy().hand_back());
        },
    ];
    for step in steps {
        let mut stack = Stack::new(Limits::default());
        let toys = stack.push(toy()).unwrap();
        let stays = stack.push(willing("stays")).unwrap();
        stack.sent(8);
        stack.receive(&mut record(TAG, b"unread"));
        let mut changes = Changes::new();
        changes.push(willing("first"));
        changes.remove(stays);
        changes.insert_above(toys, willing("second"));
        step(&mut changes, stays);
        changes.push(willing("last"));
        let steps = format!("{changes:?}");
        let epochs = (stack.epoch(), stack.write_epoch());
        let Err(PushError::Refused { back, error }) = stack.apply(changes) else {
            panic!("it is made")
        };
        assert_eq!(format!("{back:?}"), steps, "{error}");
        assert_eq!(stack.to_string(), "app <=> stays <=> toy <=> network");
        assert_eq!((stack.epoch(), stack.write_epoch()), epochs, "{error}");
        assert_eq!(stack.outgoing(), b"");
        stack.receive(&mut record(TAG, b", more"));
        assert_eq!(
            read_epochs(&mut stack),
            [named(&["toy", "stays"], "unread, more")]
        );
        stack.start_pop(toys).unwrap();
        assert_eq!(stack.outgoing(), mark());
    }
}

#[test]
fn nothing_at_or_below_an_anchor_leaves() {
    let (mut pair, ids) = pair_of(Cut::Lump, &[("low", 1), ("anchored", 2), ("top", 4)]);
    pair.a.anchor(ids[1][0]).unwrap();
    for id in [ids[0][0], ids[1][0]] {
        assert_eq!(pair.a.start_pop(id).unwrap_err().kind(), ErrorKind::Refused);
        let ripped = pair.a.rip(id).map(|_| ());
        assert_eq!(ripped.unwrap_err().kind(), ErrorKind::Refused);
        let (_, kind) = refused(pair.a.replace(id, toy()));
        assert_eq!(kind, ErrorKind::Refused);
    }
    pair.a.start_pop(ids[2][0]).unwrap();
    pair.b.start_pop(ids[2][1]).unwrap();
    pair.b.write(b"all is well").unwrap();
    pair.settle();
    assert_eq!(pair.a.popping(ids[2][0]), Popping::Left);
    // The peer goes back to the language of before: not with us.
    pair.b.start_pop(ids[1][1]).unwrap();
    pair.settle();
    assert_eq!(read_all(&mut pair.a), b"all is well");
    assert_eq!(
        pair.a.parked(),
        Some(ids[1][0].key()),
        "a clean end of that epoch"
    );
    pair.b.write(b"downgraded").unwrap();
    pair.settle();
    assert_eq!(read_all(&mut pair.a), b"");
    let end = pair.a.input_end().unwrap();
    assert_eq!(end.error().unwrap().layer(), Some("anchored"));
    assert!(pair.a.write(b"too late").is_err());
}

#[test]
fn an_anchor_comes_too_late_for_a_layer_that_is_leaving() {
    let mut stack = Stack::new(Limits::default());
    let id = stack.push(toy()).unwrap();
    stack.start_pop(id).unwrap();
    assert_eq!(stack.anchor(id).unwrap_err().kind(), ErrorKind::Refused);
}

#[test]
fn s12_s13_s14_layers_that_do_not_go_with_each_other_are_refused_unless_meant() {
    let tls = || real::client(&real::configs().0);
    let zstd = || CompressLayer::zstd(1);
    fn kind<L>(pushed: Result<LayerId<L>, PushError<L>>) -> ErrorKind {
        refused(pushed).1
    }
    let mut stack = Stack::new(Limits::default());
    stack.push(zstd()).unwrap();
    assert_eq!(
        kind(stack.push(CompressLayer::deflate(1))),
        ErrorKind::Order
    );
    assert_eq!(
        kind(stack.push(tls())),
        ErrorKind::Order,
        "STARTTLS after COMPRESS"
    );
    assert_eq!(stack.to_string(), "app <=> zstd <=> network");
    assert_eq!(stack.outgoing(), b"", "no hello, no frame");
    stack.push(CompressLayer::deflate(1).anywhere()).unwrap();
    // Below the compressor is where TLS belongs; a second one has to be meant.
    let mut stack = Stack::new(Limits::default());
    let codec = stack.push(zstd()).unwrap();
    stack.insert_below(codec, tls()).unwrap();
    stack.start_pop(codec).unwrap();
    let within = tls().with_residue(Residue::Feed);
    assert_eq!(kind(stack.insert_above(codec, within)), ErrorKind::Order);
    let meant = tls().with_residue(Residue::Feed).anywhere();
    stack.insert_above(codec, meant).unwrap();
}

/// A compressor's role is what counts, not its type.
#[test]
fn a_layer_of_ones_own_has_a_role_too() {
    struct Packs(Role);
    impl Protocol for Packs {
        fn received(&mut self, _: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
            Ok(bytes.len())
        }
    }
    impl Transport for Packs {
        fn send(&mut self, _: &mut Context<'_>, _: Chunk<'_>) -> Result<(), Error> {
            Ok(())
        }
    }
    impl Layer for Packs {
        fn role(&self) -> Role {
            self.0
        }
    }
    let (free, packs, seals) = (Role::Free, Role::Compression, Role::Encryption);
    for (lower, upper, goes) in [
        (free, packs, true),
        (packs, free, true),
        (seals, packs, true),
        (packs, seals, false),
        (packs, packs, false),
        (seals, seals, false),
    ] {
        let mut stack = Stack::new(Limits::default());
        stack.push(Packs(lower)).unwrap();
        assert_eq!(
            stack.push(Packs(upper)).is_ok(),
            goes,
            "{upper:?} above {lower:?}"
        );
        let mut stack = Stack::new(Limits::default());
        let high = stack.push(Packs(upper)).unwrap();
        assert_eq!(stack.insert_below(high, Packs(lower)).is_ok(), goes);
        // What is replaced does not count.
        let mut stack = Stack::new(Limits::default());
        let old = stack.push(Packs(lower)).unwrap();
        stack.replace(old, Packs(upper)).unwrap();
    }
}

#[test]
fn a_layer_learns_where_it_stands() {
    #[derive(Default)]
    struct Learns(Arc<Mutex<Vec<Standing>>>);
    impl Protocol for Learns {
        fn attached(&mut self, _: &mut Context<'_>, at: &Standing) -> Result<Readiness, Error> {
            self.0.lock().unwrap().push(at.clone());
            Ok(Readiness::Up)
        }
        fn received(&mut self, _: &mut Context<'_>, _: &mut [u8]) -> Result<usize, Error> {
            assert_eq!(
                self.0.lock().unwrap().len(),
                1,
                "nothing before it is attached"
            );
            Ok(0)
        }
    }
    impl Transport for Learns {
        fn send(&mut self, _: &mut Context<'_>, _: Chunk<'_>) -> Result<(), Error> {
            Ok(())
        }
    }
    impl Layer for Learns {
        fn residue(&self) -> Residue {
            Residue::HandBack
        }
    }
    let limits = Limits {
        inbox: 3,
        outbox_high: 3,
        ..Limits::default()
    };
    let learnt = |prepare: fn(&mut Stack)| {
        let mut stack = Stack::new(limits.clone());
        prepare(&mut stack);
        let learns = Learns::default();
        let learnt = Arc::clone(&learns.0);
        stack.push(learns).unwrap();
        let at = learnt.lock().unwrap()[0].clone();
        (
            at.up,
            at.write_paused,
            at.read_paused,
            at.end_seen,
            at.epoch,
        )
    };
    assert_eq!(learnt(|_| ()), (true, false, false, false, 1));
    let handshaking = |stack: &mut Stack| {
        stack.push(toy().client().feed()).unwrap();
    };
    assert_eq!(learnt(handshaking), (false, true, false, false, 2));
    assert_eq!(
        learnt(|stack| stack.write(b"much").unwrap()),
        (true, true, false, false, 1)
    );
    assert_eq!(
        learnt(|stack| stack.receive(&mut b"much".to_vec())),
        (true, false, true, false, 1)
    );
    assert_eq!(learnt(Stack::receive_end), (true, false, false, true, 1));
}

#[test]
fn a_layers_accounts_add_up_whatever_comes_and_goes_around_it() {
    let (mut pair, ids) = pair_of(Cut::Drip, &[("low", 1), ("top", 4)]);
    let account = |pair: &Pair, key| {
        let mut layers = pair.a.layers();
        let traffic = layers.find(|it| it.key() == key).unwrap().traffic();
        (traffic.inbound, traffic.outbound)
    };
    let flow = |taken, made| Flow { taken, made };
    let top = ids[1][0].key();
    pair.a.write(b"12345").unwrap();
    pair.b.write(b"123").unwrap();
    pair.settle();
    assert_eq!(account(&pair, top), (flow(5, 3), flow(5, 7)));
    assert_eq!(account(&pair, ids[0][0].key()), (flow(7, 5), flow(7, 9)));
    read_all(&mut pair.a);
    read_all(&mut pair.b);
    // A layer comes in above it, one below it, and the lowest goes.
    pair.a.push(willing("above")).unwrap();
    pair.a.insert_below(ids[1][0], Witness::new().0).unwrap();
    pair.a.flush();
    let said = account(&pair, top).1;
    assert_eq!(
        said,
        flow(5 + 6, 7 + 8),
        "the newcomer above said hello through it"
    );
    pair.settle();
    read_all(&mut pair.b);
    for (stack, id) in [(&mut pair.a, ids[0][0]), (&mut pair.b, ids[0][1])] {
        stack.start_pop(id).unwrap();
    }
    pair.b.write(b"123").unwrap();
    pair.a.write(b"12345").unwrap();
    pair.settle();
    assert_eq!(account(&pair, top), (flow(10, 6), flow(16, 22)));
    assert_eq!(pair.a.layers().count(), 3);
    pair.b.write(b"7").unwrap();
    pair.settle();
    assert_eq!(account(&pair, top).0, flow(13, 7));
    // And the whole: what one has sent is what the other was brought.
    read_all(&mut pair.a);
    let (a, b) = (pair.a.traffic(), pair.b.traffic());
    assert_eq!((a.outbound.taken, a.inbound.made), (10, 7));
    let (sent, brought) = (a.outbound.made, a.inbound.taken);
    assert_eq!((b.inbound.taken, b.outbound.made), (sent, brought));
}

#[test]
fn the_drawing_shows_each_layer_with_its_accounts() {
    let (mut pair, ids) = pair_of(Cut::Lump, &[("low", 1), ("top", 4)]);
    pair.a.write(b"12345").unwrap();
    pair.b.write(b"123").unwrap();
    pair.settle();
    pair.a.advance(Duration::from_millis(1500));
    let drawn = format!("\n{:#}", pair.a);
    assert_eq!(drawn, DRAWN);
    // Whatever comes in or goes at the bottom, the whole adds up.
    pair.a.insert_below(ids[0][0], Witness::new().0).unwrap();
    pair.b.write(b"123").unwrap();
    pair.settle();
    let flow = |taken, made| Flow { taken, made };
    let all = pair.a.traffic();
    assert_eq!((all.inbound, all.outbound), (flow(14, 0), flow(5, 9)));
    assert_eq!(read_all(&mut pair.a), b"123123");
    assert_eq!(pair.a.traffic().inbound, flow(14, 6));
}

const DRAWN: &str = "
layer    state       age  held  from below  to above  from above  to below
app                          3           0                               5
top      standing  1.50s     0           5         3           5         7
low      standing  1.50s     0           7         5           7         9
network            1.50s     0                     7           9";

#[test]
fn who_watches_is_told_of_every_turn() {
    let (mut pair, _) = pair_of(Cut::Lump, &[]);
    for stack in [&mut pair.a, &mut pair.b] {
        stack.watch(true);
    }
    let a = pair.a.push(toy().client()).unwrap();
    let b = pair.b.push(toy().server()).unwrap();
    pair.settle();
    pair.a.start_pop(a).unwrap();
    pair.settle();
    pair.a.advance(Duration::from_secs(9));
    pair.b.rip(b).unwrap();
    let turns = |stack: &mut Stack| {
        stack
            .take_notices()
            .into_iter()
            .map(|it| it.turn)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        turns(&mut pair.a),
        [Turn::Attached, Turn::Up, Turn::Leaving, Turn::Late]
    );
    let ripped = Turn::Left(Outcome::Ripped { held: 0 });
    assert_eq!(
        turns(&mut pair.b),
        [Turn::Attached, Turn::Up, Turn::Parked, ripped]
    );
    assert!(pair.a.take_notices().is_empty());
    pair.a.rip(a).unwrap();
    let told = pair.a.take_notices().remove(0).to_string();
    assert_eq!(told, "9.000s toy: ripped out, 0 bytes held");
}

/// Changes its stack from a callback: what is below is replaced, with words before and behind.
struct Surgeon {
    old: Option<LayerId<Toy>>,
    log: Arc<Mutex<Vec<String>>>,
}

impl Protocol for Surgeon {
    fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        self.old = Some(cx.push(Toy::new("old", 1)));
        Ok(Readiness::Up)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        self.log
            .lock()
            .unwrap()
            .push(String::from_utf8_lossy(bytes).into_owned());
        if let Some(old) = self.old.take() {
            cx.send(b"before");
            let mut changes = Changes::new();
            changes.replace(old, Toy::new("new", 2));
            cx.apply(changes);
            cx.send(b"behind");
        }
        Ok(bytes.len())
    }

    fn event(&mut self, _: &mut Context<'_>, event: Event) {
        let what = match event {
            Event::Up(_) => "up".to_owned(),
            Event::Left { layer, .. } => format!("left: {}", layer.name()),
            other => format!("{other:?}"),
        };
        self.log.lock().unwrap().push(what);
    }

    fn lost(&mut self, end: &End) {
        self.log
            .lock()
            .unwrap()
            .push(format!("lost: {}", end.error().is_none()));
    }
}

#[test]
fn a_callback_replaces_a_layer_between_two_sends() {
    let log = Arc::default();
    let surgeon = Surgeon {
        old: None,
        log: Arc::clone(&log),
    };
    let mut stack = Stack::with_app(Box::new(surgeon), Limits::default());
    stack.receive(
        &mut [
            record(1, b"go"),
            record(1, b"more"),
            mark(),
            record(2, b"new"),
        ]
        .concat(),
    );
    stack.flush();
    let expected = [record(1, b"before"), mark(), record(2, b"behind")].concat();
    assert_eq!(stack.outgoing(), expected);
    drop(stack);
    let log = log.lock().unwrap();
    assert_eq!(
        *log,
        ["up", "go", "up", "more", "left: old", "new", "lost: true"]
    );
}

#[test]
fn what_a_layer_holds_counts_against_the_budget_and_the_holder_is_named() {
    let limits = Limits {
        budget: 256 * 1024,
        outbox_high: usize::MAX,
        ..Limits::default()
    };
    let mut stack = Stack::new(limits);
    stack.push(Stages::default()).unwrap();
    stack.push(willing("above")).unwrap();
    let written = (1..100).find(|_| stack.write(&[0; 8 * 1024]).is_err());
    // It is found out within 16 KiB.
    assert!((33..=34).contains(&written.unwrap()), "{written:?}");
    let error = stack.write(b"more").unwrap_err();
    assert_eq!(
        (error.kind(), error.layer()),
        (ErrorKind::Limit, Some("Stages"))
    );
}

#[test]
fn bytes_that_were_put_back_are_the_next_layers_and_nobody_made_them() {
    let mut stack = Stack::new(Limits::default());
    stack.unread(b"put back").unwrap();
    let (witness, _) = Witness::new();
    let low = stack.push(witness).unwrap();
    let traffic = |stack: &Stack| {
        stack
            .layers()
            .map(|it| it.traffic().inbound)
            .collect::<Vec<_>>()
    };
    let flow = |taken, made| Flow { taken, made };
    assert_eq!(traffic(&stack), [flow(8, 8)]);
    stack.unread(b"again, ").unwrap();
    assert_eq!(traffic(&stack), [flow(8, 8)]);
    stack.push(Witness::new().0).unwrap();
    assert_eq!(traffic(&stack), [flow(8, 8), flow(15, 15)]);
    stack.rip(low).unwrap();
    assert_eq!(read_all(&mut stack), b"again, put back");
}

#[test]
fn a_layer_may_not_go_twice_and_who_watches_hears_nothing_of_what_failed() {
    let mut stack = Stack::new(Limits::default());
    let old = stack.push(willing("old")).unwrap();
    stack.watch(true);
    let mut changes = Changes::new();
    changes.push(willing("first"));
    changes.remove(old);
    changes.replace(old, willing("new"));
    assert!(stack.apply(changes).is_err());
    let mut changes = Changes::new();
    changes.push(willing("first"));
    changes.push(Willing {
        name: "unwilling",
        refuses: true,
    });
    assert!(stack.apply(changes).is_err());
    assert!(stack.take_notices().is_empty());
    assert_eq!(stack.to_string(), "app <=> old <=> network");
}

#[test]
fn a_layer_may_say_that_it_is_up_while_it_is_attached() {
    struct Hasty(Readiness);
    impl Protocol for Hasty {
        fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
            cx.up();
            Ok(self.0)
        }
        fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
            cx.deliver(bytes);
            Ok(bytes.len())
        }
    }
    impl Transport for Hasty {
        fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
            cx.send(chunk);
            Ok(())
        }
    }
    impl Layer for Hasty {}
    for readiness in [Readiness::Up, Readiness::Handshaking] {
        let mut stack = Stack::new(Limits::default());
        stack.push(Hasty(readiness)).unwrap();
        assert!(stack.is_up() && stack.deadline().is_none(), "{readiness:?}");
        stack.receive(&mut b"through".to_vec());
        assert_eq!(read_all(&mut stack), b"through");
    }
}
