//! An application of callbacks, that does what a peer of the simulation wants.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{
    Changes, Context, End, Error, Event, LayerKey, Outcome, Protocol, Readiness, Standing,
};

/// What lies between a peer and its application. The peer leaves wishes here and lets time pass;
/// the application, which always waits for the present time, finds them in the call.
#[derive(Default)]
pub(super) struct Desk {
    /// How many bytes the application may take.
    pub(super) appetite: usize,
    /// What it took.
    pub(super) got: Vec<u8>,
    /// What it is to do in the next call.
    pub(super) orders: VecDeque<Order>,
    /// What it is to do within the call in which it takes the last byte that it may.
    pub(super) when_sated: VecDeque<Order>,
    /// What has left.
    pub(super) left: Vec<(LayerKey, Outcome)>,
    /// What did not come in, or did not leave, and why.
    pub(super) refused: Vec<(LayerKey, Error)>,
    /// It was told that its input is over.
    pub(super) ended: bool,
    /// How often it was told that all is over.
    pub(super) lost: u32,
}

/// Something that an application does in a callback.
pub(super) enum Order {
    Send(Vec<u8>),
    Change(Changes),
    Pop(LayerKey),
}

/// Shared by a peer and its application; never locked while the stack is called.
#[derive(Clone, Default)]
pub(super) struct Shared(Arc<Mutex<Desk>>);

impl Shared {
    pub(super) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The application.
pub(super) struct App(pub(super) Shared);

impl App {
    fn act(cx: &mut Context<'_>, orders: VecDeque<Order>) {
        for order in orders {
            match order {
                Order::Send(bytes) => cx.send(&bytes),
                Order::Change(changes) => cx.apply(changes),
                Order::Pop(key) => cx.pop(key),
            }
        }
    }
}

impl Protocol for App {
    fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        cx.pause(true);
        cx.wake_at(Some(cx.now()));
        Ok(Readiness::Up)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        let (taken, orders) = {
            let mut desk = self.0.desk();
            let taken = bytes.len().min(desk.appetite);
            desk.got.extend_from_slice(&bytes[..taken]);
            desk.appetite -= taken;
            desk.ended &= bytes.is_empty(); // It was a layer's end, and not the last.
            match desk.appetite {
                0 => (taken, Some(std::mem::take(&mut desk.when_sated))),
                _ => (taken, None),
            }
        };
        if let Some(orders) = orders {
            Self::act(cx, orders);
            cx.pause(true);
        }
        Ok(taken)
    }

    fn timed_out(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        cx.wake_at(Some(cx.now()));
        let orders = std::mem::take(&mut self.0.desk().orders);
        Self::act(cx, orders);
        // Also where it may take nothing: it would not see the end otherwise.
        cx.pause(false);
        Ok(())
    }

    fn event(&mut self, _: &mut Context<'_>, event: Event) {
        let mut desk = self.0.desk();
        match event {
            Event::Left { key, outcome, .. } => desk.left.push((key, outcome)),
            Event::PopRefused { key, error } => desk.refused.push((key, error)),
            Event::PushRefused { layers, error } | Event::PushRejected { layers, error, .. } => {
                let keys = layers.into_iter().map(|(key, _)| (key, error.clone()));
                desk.refused.extend(keys);
            }
            Event::Up(_) | Event::Ended(_) | Event::PopLate(_) => {}
        }
    }

    fn end_received(&mut self, _: &mut Context<'_>) -> Result<(), Error> {
        self.0.desk().ended = true;
        Ok(())
    }

    fn lost(&mut self, _: &End) {
        self.0.desk().lost += 1;
    }
}
