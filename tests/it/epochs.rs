//! Which layers a byte crossed, in odd moments. Each test is named after its rule.

use stack::{
    Chunk, Context, Error, Exit, Layer, Limits, Protocol, Readiness, Stack, Standing, Transport,
};

use crate::pair::read_epochs;
use crate::toy::{mark, record, toy};

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
    stack.receive(&mut [record(0x20, b"ab"), mark()].concat());
    assert_eq!(stack.to_string(), "app <=> Grow <=> network");
    // What comes now is plain, and waits behind what is inside.
    stack.receive(&mut b"c".to_vec());
    let expected = [
        named(&["toy", "Grow"], "aaaabbbb"),
        named(&["Grow"], "cccc"),
    ];
    assert_eq!(read_epochs(&mut stack), expected);
}
