//! What passes, as events of `tracing`.

use pretty_hex::{HexConfig, PrettyHex};
use stack::{Context, End, Standing, Watch};
use tracing::{Level, Span};

/// A layer that tells by [`tracing`] what passes: one span a layer, and in it an event for each
/// chunk, for the end each way, and for the end of the connection.
///
/// The span, `layer`, has the fields `name` and `id`, and stands within the span in which the layer
/// is pushed. The events have `bytes`, how many there were, and `at`, the time since the connection
/// began. While nobody wants the level, a chunk costs a test of a word, and nothing is formatted.
///
/// # Secrets
///
/// A hexdump writes into a log what the connection carries, above TLS in clear: passwords, keys,
/// letters. There is none unless [`hexdump`](Self::hexdump) is called.
///
/// ```
/// use general_layers::Trace;
/// use stack::{Limits, Stack};
/// use tracing::Level;
///
/// let mut stack = Stack::new(Limits::default());
/// stack.push(Trace::new("client 17").named("above tls").level(Level::DEBUG)).unwrap();
/// stack.write(b"hello").unwrap();
/// // DEBUG layer{name="above tls" id="client 17"}: sent bytes=5 at=0ns
/// ```
#[derive(Debug)]
pub struct Trace {
    id: String,
    name: String,
    level: Level,
    /// How many bytes of each chunk to show.
    shown: usize,
    /// There is one while it stands in a stack.
    span: Span,
}

/// An event in the layer's span, at the layer's level. That is known at run time only, while
/// `tracing` wants a call site for each level.
macro_rules! tell {
    ($trace:expr, $($event:tt)*) => {
        match $trace.level {
            Level::ERROR => tracing::event!(parent: &$trace.span, Level::ERROR, $($event)*),
            Level::WARN => tracing::event!(parent: &$trace.span, Level::WARN, $($event)*),
            Level::INFO => tracing::event!(parent: &$trace.span, Level::INFO, $($event)*),
            Level::DEBUG => tracing::event!(parent: &$trace.span, Level::DEBUG, $($event)*),
            Level::TRACE => tracing::event!(parent: &$trace.span, Level::TRACE, $($event)*),
        }
    };
}

impl Trace {
    /// Traces at the level [`Level::TRACE`]. The `id` is the user's, to tell connections apart.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: "trace".to_owned(),
            level: Level::TRACE,
            shown: 0,
            span: Span::none(),
        }
    }

    /// What the layer is called, to tell the places in a stack apart; `trace` if not set.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The level of the span and of all events.
    #[must_use]
    pub fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Shows the first bytes of each chunk, at most so many. Read *Secrets* above.
    #[must_use]
    pub fn hexdump(mut self, at_most: usize) -> Self {
        self.shown = at_most;
        self
    }

    fn open_span(&self) -> Span {
        macro_rules! span {
            ($level:expr) => {
                tracing::span!($level, "layer", name = self.name, id = self.id)
            };
        }
        match self.level {
            Level::ERROR => span!(Level::ERROR),
            Level::WARN => span!(Level::WARN),
            Level::INFO => span!(Level::INFO),
            Level::DEBUG => span!(Level::DEBUG),
            Level::TRACE => span!(Level::TRACE),
        }
    }

    fn dump<'a>(&self, bytes: &'a [u8]) -> impl std::fmt::Debug + 'a {
        bytes.hex_conf(HexConfig {
            title: false,
            max_bytes: self.shown,
            ..HexConfig::default()
        })
    }
}

impl Watch for Trace {
    fn name(&self) -> &str {
        &self.name
    }

    fn attached(&mut self, cx: &Context<'_>, standing: &Standing) {
        self.span = self.open_span();
        tell!(self, at = ?cx.now(), epoch = standing.epoch, "attached");
    }

    fn received(&mut self, cx: &Context<'_>, bytes: &[u8]) {
        if self.shown == 0 {
            tell!(self, bytes = bytes.len(), at = ?cx.now(), "received");
        } else {
            tell!(self, bytes = bytes.len(), at = ?cx.now(), dump = ?self.dump(bytes), "received");
        }
    }

    fn end_received(&mut self, cx: &Context<'_>) {
        tell!(self, at = ?cx.now(), "end of input");
    }

    fn sent(&mut self, cx: &Context<'_>, bytes: &[u8]) {
        if self.shown == 0 {
            tell!(self, bytes = bytes.len(), at = ?cx.now(), "sent");
        } else {
            tell!(self, bytes = bytes.len(), at = ?cx.now(), dump = ?self.dump(bytes), "sent");
        }
    }

    fn finished(&mut self, cx: &Context<'_>) {
        tell!(self, at = ?cx.now(), "finished");
    }

    fn lost(&mut self, end: &End) {
        match end.error() {
            None => tell!(self, "lost, cleanly"),
            Some(error) => tell!(self, error = %error, "lost"),
        }
        // The span ends here, and not only when the layer is dropped.
        self.span = Span::none();
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use stack::{Limits, Stack};
    use tracing::level_filters::LevelFilter;
    use tracing::subscriber::with_default;
    use tracing_subscriber::fmt;

    use super::*;

    /// What is logged, down to this level, while the test runs.
    fn logged(level: LevelFilter, test: impl FnOnce()) -> String {
        #[derive(Clone, Default)]
        struct Log(Arc<Mutex<Vec<u8>>>);

        impl io::Write for Log {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.lock().unwrap().write(bytes)
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }

        let log = Log::default();
        let writer = log.clone();
        let subscriber = fmt()
            .with_max_level(level)
            .without_time()
            .with_target(false)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        with_default(subscriber, test);
        let bytes = log.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    /// A whole life, with a layer like this.
    fn live(trace: Trace) {
        let mut stack = Stack::new(Limits::default());
        stack.push(trace).unwrap();
        stack.advance(std::time::Duration::from_secs(1));
        stack.receive(&mut b"secret\n and more".to_vec());
        stack.write(b"hello").unwrap();
        stack.receive_end();
        stack.shutdown();
    }

    #[test]
    fn a_life_is_told_in_a_span() {
        let log = logged(LevelFilter::TRACE, || {
            live(Trace::new("client 17").named("top"));
        });
        let lines: Vec<_> = log.lines().map(str::trim).collect();
        let span = r#"TRACE layer{name="top" id="client 17"}:"#;
        assert_eq!(
            lines,
            [
                format!("{span} attached at=0ns epoch=1"),
                format!("{span} received bytes=16 at=1s"),
                format!("{span} sent bytes=5 at=1s"),
                format!("{span} end of input at=1s"),
                format!("{span} finished at=1s"),
                format!("{span} lost, cleanly"),
            ]
        );
    }

    #[test]
    fn a_failure_is_told_with_its_reason() {
        let log = logged(LevelFilter::WARN, || {
            let mut stack = Stack::new(Limits::default());
            stack.push(Trace::new("x").level(Level::WARN)).unwrap();
            stack.fail(stack::Error::remote("bad"));
        });
        assert!(log.contains("WARN"), "{log}");
        assert!(log.ends_with(": lost error=bad\n"), "{log}");
    }

    #[test]
    fn a_dump_shows_the_first_bytes_only() {
        let log = logged(LevelFilter::INFO, || {
            live(Trace::new("x").level(Level::INFO).hexdump(9));
        });
        assert!(log.contains("73 65 63 72  65 74 0a 20  61"), "{log}");
        assert!(log.contains("secret. a"), "{log}");
        assert!(!log.contains("6d"), "{log}");
        assert!(log.contains("68 65 6c 6c  6f"), "{log}");
    }

    #[test]
    fn what_nobody_wants_costs_no_allocation() {
        let log = logged(LevelFilter::INFO, || {
            let mut stack = Stack::new(Limits::default());
            stack.push(Trace::new("x").hexdump(64)).unwrap();
            let mut bytes = [0; 100];
            let turn = |stack: &mut Stack, bytes: &mut [u8; 100]| {
                stack.write(&*bytes).unwrap();
                stack.receive(bytes);
                stack.sent(100);
                stack.consume(100);
            };
            turn(&mut stack, &mut bytes); // The buffers of the stack itself.
            let turns = || (0..100).for_each(|_| turn(&mut stack, &mut bytes));
            assert_eq!(allocation_counter::measure(turns).count_total, 0);
        });
        assert_eq!(log, "");
    }
}
