//! Which layers a byte crossed, in odd moments. Each test is named after its rule.

use stack::{
    Chunk, Context, Error, Exit, Layer, Limits, Protocol, Readiness, Stack, Standing, Transport,
};

use crate::pair::read_epochs;
use crate::toy::{TAG, Toy, mark, record, toy};

fn named(layers: &[&str], text: &str) -> (Vec<String>, String) {
    let layers = layers.iter().map(|&name| name.to_owned()).collect();
    (layers, text.to_owned())
}

/// Is never attached.
struct Refuses;

impl Protocol for Refuses {
    fn attached(&mut self, _: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        Err(Error::local("no certificate"))
    }
    fn received(&mut self, _: &mut Context<'_>, _: &mut [u8]) -> Result<usize, Error> {
        Ok(0)
    }
}
impl Transport for Refuses {
    fn send(&mut self, _: &mut Context<'_>, _: Chunk<'_>) -> Result<(), Error> {
        Ok(())
    }
}
impl Layer for Refuses {}

/// Passes on what rises, and echoes what is written.
struct Echo;
impl Protocol for Echo {
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        cx.deliver(bytes);
        Ok(bytes.len())
    }
}
impl Transport for Echo {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        cx.deliver(&mut chunk.as_slice().to_vec());
        Ok(())
    }
}
impl Layer for Echo {
    fn exit(&self) -> Exit {
        Exit::Anytime
    }
}

#[test]
fn what_a_layer_delivers_unasked_is_of_the_present_epoch() {
    let mut stack = Stack::new(Limits::default());
    let id = stack.push(Echo).unwrap();
    assert!(stack.push(Refuses).is_err());
    stack.write(b"echo").unwrap();
    stack.start_pop(id).unwrap();
    assert_eq!(read_epochs(&mut stack), [named(&["Echo"], "echo")]);
}

/// Each byte becomes four.
#[derive(Default)]
struct Grow(Vec<u8>);
impl Protocol for Grow {
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        self.0.extend_from_slice(bytes);
        while !self.0.is_empty() && cx.wanted() {
            let byte = self.0.remove(0);
            cx.deliver(&mut [byte; 4]);
        }
        Ok(bytes.len())
    }
}
impl Transport for Grow {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        cx.send(chunk);
        Ok(())
    }
}
impl Layer for Grow {}

#[test]
fn what_a_layer_still_has_inside_crossed_the_one_that_leaves_from_below_it() {
    let mut stack = Stack::new(Limits {
        inbox: 4,
        ..Limits::default()
    });
    let low = stack.push(toy()).unwrap();
    stack.push(Grow::default()).unwrap();
    stack.start_pop(low.key()).unwrap();
    stack.receive(&mut [record(TAG, b"ab"), mark()].concat());
    assert_eq!(stack.to_string(), "app <=> Grow <=> network");
    // What comes now is plain, and waits behind what is inside.
    stack.receive(&mut b"c".to_vec());
    let expected = [
        named(&["toy", "Grow"], "aaaabbbb"),
        named(&["Grow"], "cccc"),
    ];
    assert_eq!(read_epochs(&mut stack), expected);
}

#[test]
fn bytes_that_crossed_a_layer_say_so_when_they_are_fed_to_another() {
    let mut stack = Stack::new(Limits::default());
    let low = stack.push(toy()).unwrap();
    stack.start_pop(low).unwrap();
    stack.receive(&mut [record(TAG, b"secret"), mark(), b"plain".to_vec()].concat());
    stack.push(Echo).unwrap();
    let expected = [named(&["toy", "Echo"], "secret"), named(&["Echo"], "plain")];
    assert_eq!(read_epochs(&mut stack), expected);
}

#[test]
fn bytes_that_crossed_a_layer_say_so_when_another_leaves_above_them() {
    // They wait below the upper layer, which meets its mark only after the lower one has left.
    let mut stack = Stack::new(Limits {
        inbox: 1,
        ..Limits::default()
    });
    let low = stack.push(toy()).unwrap();
    let high = stack.push(Toy::new("high", 1)).unwrap();
    let both = [&record(1, b"x")[..], &mark(), b"tagged"].concat();
    stack.receive(&mut [record(TAG, &both), mark(), b"plain".to_vec()].concat());
    stack.start_pop(high).unwrap();
    stack.start_pop(low).unwrap();
    let expected = [
        named(&["toy", "high"], "x"),
        named(&["toy"], "tagged"),
        named(&[], "plain"),
    ];
    assert_eq!(read_epochs(&mut stack), expected);
}

/// Lets nothing rise while it is shut.
struct Gate(bool);

impl Protocol for Gate {
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        if !self.0 {
            cx.pause(true);
            return Ok(0);
        }
        cx.deliver(bytes);
        Ok(bytes.len())
    }
}

impl Transport for Gate {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        cx.send(chunk);
        Ok(())
    }
}

impl Layer for Gate {
    fn exit(&self) -> Exit {
        Exit::Anytime
    }
}

/// What a layer delivers unasked is of the present epoch, and not of that of the last bytes that rose.
#[test]
fn what_is_delivered_unasked_is_of_the_present_epoch() {
    let mut stack = Stack::new(Limits::default());
    let below = stack.push(Gate(true)).unwrap();
    let gate = stack.push(Gate(false)).unwrap();
    stack.receive(&mut b"past".to_vec());
    stack.rip(below).unwrap();
    let opened = stack.with_layer(gate, |gate, cx| {
        gate.0 = true;
        cx.pause(false);
    });
    opened.unwrap();
    assert_eq!(stack.readable(), b"past");
    let said = stack.with_layer(gate, |_, cx| cx.deliver(&mut b"present".to_vec()));
    said.unwrap();
    assert_eq!(stack.readable(), b"past");
    stack.consume(4);
    assert_eq!(stack.readable(), b"present");
}
