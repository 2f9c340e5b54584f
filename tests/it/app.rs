//! An application made for one test: what it does, said in place.

use std::sync::{Arc, Mutex, PoisonError};

use stack::{Context, End, Error, Event, Protocol, Readiness, Standing};

/// What was told, in order.
pub(crate) type Log = Arc<Mutex<Vec<String>>>;

type OnReceived = Box<dyn FnMut(&mut Context<'_>, &[u8]) -> usize + Send + Sync>;
type OnEvent = Box<dyn FnMut(&mut Context<'_>, &Event) + Send + Sync>;
type On = Box<dyn FnMut(&mut Context<'_>) + Send + Sync>;

/// Takes what comes and writes down what it is told; what it does besides is given by closures.
pub(crate) struct App {
    log: Log,
    attached: On,
    received: OnReceived,
    writable: On,
    event: OnEvent,
    timed_out: On,
}

impl App {
    pub(crate) fn new() -> (Self, Log) {
        let log = Log::default();
        let app = Self {
            log: Arc::clone(&log),
            attached: Box::new(|_| {}),
            received: Box::new(|_, bytes| bytes.len()),
            writable: Box::new(|_| {}),
            event: Box::new(|_, _| {}),
            timed_out: Box::new(|_| {}),
        };
        (app, log)
    }

    pub(crate) fn on_attached(
        mut self,
        act: impl FnMut(&mut Context<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.attached = Box::new(act);
        self
    }

    /// The closure says how many of the bytes were taken.
    pub(crate) fn on_received(
        mut self,
        act: impl FnMut(&mut Context<'_>, &[u8]) -> usize + Send + Sync + 'static,
    ) -> Self {
        self.received = Box::new(act);
        self
    }

    /// When writing may go on after a pause.
    pub(crate) fn on_writable(
        mut self,
        act: impl FnMut(&mut Context<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.writable = Box::new(act);
        self
    }

    pub(crate) fn on_event(
        mut self,
        act: impl FnMut(&mut Context<'_>, &Event) + Send + Sync + 'static,
    ) -> Self {
        self.event = Box::new(act);
        self
    }

    pub(crate) fn on_time(
        mut self,
        act: impl FnMut(&mut Context<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.timed_out = Box::new(act);
        self
    }

    fn note(&self, what: impl Into<String>) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.push(what.into());
    }
}

impl Protocol for App {
    fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        self.note("attached");
        (self.attached)(cx);
        Ok(Readiness::Up)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        self.note(format!("received {}", String::from_utf8_lossy(bytes)));
        Ok((self.received)(cx, bytes))
    }

    fn end_received(&mut self, _: &mut Context<'_>) -> Result<(), Error> {
        self.note("end");
        Ok(())
    }

    fn writable(&mut self, cx: &mut Context<'_>, writable: bool) {
        self.note(format!("writable {writable}"));
        if writable {
            (self.writable)(cx);
        }
    }

    fn event(&mut self, cx: &mut Context<'_>, event: Event) {
        let what = match &event {
            Event::Up(_) => "up".to_owned(),
            Event::Ended(_) => "ended".to_owned(),
            Event::PopLate(_) => "late".to_owned(),
            Event::Left { layer, .. } => format!("{} left", layer.name()),
            Event::PushRefused { layers, .. } => format!("{} refused", layers[0].1.name()),
            Event::PushRejected {
                layers, residue, ..
            } => {
                let layer = &layers[0].1;
                let residue = String::from_utf8_lossy(residue);
                format!("{} rejected for {residue}", layer.name())
            }
            other => format!("{other:?}"),
        };
        self.note(what);
        (self.event)(cx, &event);
    }

    fn lost(&mut self, end: &End) {
        self.note(match end {
            End::Clean => "lost: clean".to_owned(),
            End::Error(error) => format!("lost: {error}"),
        });
    }

    fn timed_out(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        (self.timed_out)(cx);
        Ok(())
    }
}
