//! The callback style: an application that is a `Protocol`.

use std::sync::{Arc, Mutex};

use stack::{Chunk, Context, End, Error, Event, LayerId, Limits, Protocol, Stack, serve};

use crate::toy::{Toy, Witness};

/// Talks line by line, and does what the lines say.
struct App {
    server: bool,
    log: Arc<Mutex<Vec<String>>>,
    pushed: Option<LayerId<Toy>>,
}

impl App {
    fn new(server: bool) -> (Self, Arc<Mutex<Vec<String>>>) {
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let app = Self {
            server,
            log: Arc::clone(&log),
            pushed: None,
        };
        (app, log)
    }

    fn note(&self, what: String) {
        self.log.lock().unwrap().push(what);
    }

    fn push(&mut self, cx: &mut Context<'_>) {
        let toy = Toy::new("toy", 3);
        self.pushed = Some(cx.push(if self.server {
            toy.server()
        } else {
            toy.client()
        }));
    }
}

impl Protocol for App {
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        let mut taken = 0;
        while let Some(n) = bytes[taken..].iter().position(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(&bytes[taken..taken + n]).into_owned();
            taken += n + 1;
            self.note(line.clone());
            match line.as_str() {
                "start" => {
                    cx.send(b"go\n");
                    self.push(cx);
                    // Not taken, so that it is the new layer's; see also what is sent now.
                    cx.send(b"welcome\n");
                    return Ok(taken);
                }
                "go" => {
                    self.push(cx);
                    cx.send(b"secret\n");
                    return Ok(taken);
                }
                "secret" => {
                    cx.send(b"bye\n");
                    cx.pop(self.pushed.expect("it was pushed").key());
                    cx.send(b"plain\n");
                }
                "plain" => cx.shutdown(),
                _ => {}
            }
        }
        Ok(taken)
    }

    fn end_received(&mut self, _: &mut Context<'_>) -> Result<(), Error> {
        self.note("end".into());
        Ok(())
    }

    fn event(&mut self, cx: &mut Context<'_>, event: Event) {
        match event {
            Event::Ended(key) => {
                self.note("layer ended".into());
                cx.pop(key);
            }
            Event::Up(_) => self.note("up".into()),
            Event::Left { layer, .. } => self.note(format!("{} left", layer.name())),
            other => self.note(format!("{other:?}")),
        }
    }

    fn lost(&mut self, end: &End) {
        self.note(format!(
            "lost: {}",
            end.error().map_or("clean".into(), Error::to_string)
        ));
    }
}

#[tokio::test]
async fn the_same_application_lives_through_push_and_pop() {
    for pipe in [1, 5, 64, 4096] {
        let (a, b) = tokio::io::duplex(pipe);
        let ((client, client_log), (server, server_log)) = (App::new(false), App::new(true));
        let starter = Starter(client);
        let ((_, client_end), (_, server_end)) = tokio::join!(serve(a, starter), serve(b, server));
        assert!(client_end.error().is_none(), "{client_end:?}");
        assert!(server_end.error().is_none(), "{server_end:?}");
        assert_eq!(
            *client_log.lock().unwrap(),
            [
                "go",
                "up",
                "welcome",
                "bye",
                "layer ended",
                "toy left",
                "plain",
                "end",
                "lost: clean"
            ]
        );
        assert_eq!(
            *server_log.lock().unwrap(),
            ["start", "up", "secret", "toy left", "end", "lost: clean"]
        );
    }
}

/// The client: it speaks first.
struct Starter(App);

impl Protocol for Starter {
    fn attached(
        &mut self,
        cx: &mut Context<'_>,
        _: &stack::Standing,
    ) -> Result<stack::Readiness, Error> {
        cx.send(b"start\n");
        Ok(stack::Readiness::Up)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        self.0.received(cx, bytes)
    }

    fn end_received(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.0.end_received(cx)
    }

    fn event(&mut self, cx: &mut Context<'_>, event: Event) {
        self.0.event(cx, event);
    }

    fn lost(&mut self, end: &End) {
        self.0.lost(end);
    }
}

#[test]
fn a_layers_own_reply_goes_out_before_the_answer_to_what_it_delivered() {
    /// Delivers all, and then sends a receipt of its own.
    struct Receipts;
    impl Protocol for Receipts {
        fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
            cx.deliver(bytes);
            cx.send(b"receipt ");
            Ok(bytes.len())
        }
    }
    impl stack::Transport for Receipts {
        fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
            cx.send(chunk);
            Ok(())
        }
    }
    impl stack::Layer for Receipts {}

    struct Pushes(bool);
    impl Protocol for Pushes {
        fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
            cx.send(b"answer ");
            if !std::mem::replace(&mut self.0, true) {
                cx.push(Receipts);
            }
            Ok(bytes.len())
        }
    }
    let mut stack = Stack::with_app(Box::new(Pushes(false)), Limits::default());
    stack.receive(&mut b"a".to_vec());
    stack.receive(&mut b"b".to_vec());
    assert_eq!(stack.outgoing(), b"answer receipt answer ");
}

#[test]
fn input_that_a_callback_does_not_take_is_the_new_layers() {
    let (witness, log) = Witness::new();
    struct Once(Option<Witness>);
    impl Protocol for Once {
        fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
            if let Some(witness) = self.0.take() {
                cx.push(witness);
                return Ok(1);
            }
            Ok(bytes.len())
        }
    }
    let mut stack = Stack::with_app(Box::new(Once(Some(witness))), Limits::default());
    stack.receive(&mut b"abc".to_vec());
    assert_eq!(*log.lock().unwrap(), ["attached", "received bc"]);
}

#[test]
fn a_paused_application_gets_nothing_until_it_resumes() {
    struct Paused(Arc<Mutex<Vec<u8>>>);
    impl Protocol for Paused {
        fn attached(
            &mut self,
            cx: &mut Context<'_>,
            _: &stack::Standing,
        ) -> Result<stack::Readiness, Error> {
            cx.pause(true);
            cx.wake_at(Some(std::time::Duration::from_secs(1)));
            Ok(stack::Readiness::Up)
        }
        fn received(&mut self, _: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn timed_out(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
            cx.pause(false);
            Ok(())
        }
    }
    let seen: Arc<Mutex<Vec<u8>>> = Arc::default();
    let mut stack = Stack::with_app(Box::new(Paused(Arc::clone(&seen))), Limits::default());
    assert!(!stack.wants_input());
    stack.receive(&mut b"early".to_vec());
    assert!(seen.lock().unwrap().is_empty());
    stack.advance(std::time::Duration::from_secs(1));
    assert_eq!(*seen.lock().unwrap(), b"early");
    assert!(stack.wants_input());
}
