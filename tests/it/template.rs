//! Stacks that are described once and built for each connection.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use compress_layer::CompressLayer;
use stack::{
    Connection, Context, Error, ErrorKind, Event, Layer, LayerId, Limits, Protocol, PushError,
    Readiness, Stack, Standing, Template, Turn, Watch, serve,
};
use tls_layer::TlsLayer;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use crate::real::{client, configs, server};
use crate::toy::Toy;

/// Counts what is sent.
#[derive(Default)]
struct Count(usize);

impl Watch for Count {
    fn sent(&mut self, _: &Context<'_>, bytes: &[u8]) {
        self.0 += bytes.len();
    }
}

/// Two layers with handshakes, the lower one's records within the upper one's.
fn toys(part: fn(Toy) -> Toy) -> Template {
    Template::new()
        .layer("low", move || part(Toy::new("low", 1)))
        .layer("top", move || part(Toy::new("top", 4)))
}

/// Writes, and reads what the peer wrote likewise.
async fn greet(connection: &mut Connection<DuplexStream>) {
    connection.write_all(b"hello").await.unwrap();
    let mut greeting = [0; 5];
    connection.read_exact(&mut greeting).await.unwrap();
    connection.flush().await.unwrap();
    assert_eq!(&greeting, b"hello");
}

/// Pops the topmost layer of this type.
async fn leave<L: Layer>(connection: &mut Connection<DuplexStream>) {
    let id = connection.layers().rev().find_map(|it| it.id::<L>());
    connection.pop(id.unwrap()).await.unwrap();
}

// ---- what is built ----

#[test]
fn threads_build_at_once_and_no_connection_shares_the_state_of_another() {
    let made = Arc::new(AtomicU8::new(0));
    let count = Arc::clone(&made);
    let template = Template::new()
        .layer("toy", move || {
            Toy::new("toy", count.fetch_add(1, Ordering::Relaxed))
        })
        .layer("count", Count::default);
    let build = |n: usize| {
        let mut stack = template.stack().unwrap();
        stack.write(&vec![0; n]).unwrap();
        assert_eq!(stack.info::<Count>().unwrap().0, n);
        stack.flush();
        // Each toy changes the bytes in its own way.
        stack.outgoing()[2]
    };
    let mut tags = std::thread::scope(|scope| {
        let threads: Vec<_> = (1..=8).map(|n| scope.spawn(move || build(n))).collect();
        let tags = threads.into_iter().map(|it| it.join().unwrap());
        tags.collect::<Vec<_>>()
    });
    tags.sort_unstable();
    assert_eq!(tags, [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(made.load(Ordering::Relaxed), 8);
}

#[test]
fn it_is_drawn_as_the_stack_will_be_and_nothing_is_built() {
    let base = Template::new().layer("tls", || -> Toy { panic!("nobody asked for it") });
    let more = base.clone().layer(String::from("count"), Count::default);
    assert_eq!(Template::new().to_string(), "app <=> network");
    assert_eq!(base.to_string(), "app <=> tls <=> network");
    assert_eq!(more.to_string(), "app <=> count <=> tls <=> network");
    assert!(format!("{more:?}").starts_with(r#"Template { layers: ["tls", "count"], limits"#));
    let built = toys(|it| it);
    assert_eq!(built.stack().unwrap().to_string(), built.to_string());
}

#[test]
fn its_limits_are_those_of_the_stacks_that_it_makes() {
    let limits = Limits {
        outbox_high: 3,
        ..Limits::default()
    };
    let mut stack = Template::new().limits(limits).stack().unwrap();
    stack.write(b"much").unwrap();
    assert!(!stack.writable());
}

#[test]
fn a_layer_is_named_before_it_comes_in_and_when_it_stands() {
    let changes = toys(|it| it).layer("count", Count::default).changes();
    let mut changes = changes.unwrap();
    let (count, toy) = (changes.id::<Count>().unwrap(), changes.id::<Toy>().unwrap());
    assert!(changes.id::<TlsLayer>().is_none());
    changes.insert_above(toy, Count(7));
    let mut stack = Stack::new(Limits::default());
    stack.apply(changes).unwrap();
    assert_eq!(
        stack.to_string(),
        "app <=> Count <=> Count <=> top <=> low <=> network"
    );
    let standing: Vec<_> = stack.layers().filter_map(|it| it.id::<Count>()).collect();
    assert_eq!(standing.len(), 2);
    assert!(standing[1] == count && standing[0] != count);
}

// ---- what is refused ----

#[test]
fn a_layer_that_cannot_be_made_is_named_and_nothing_comes_in() {
    let template = Template::new()
        .layer("count", Count::default)
        .try_layer("log", || -> io::Result<Count> {
            Err(io::Error::other("no disk"))
        })
        .layer("never", || -> Count { panic!("nobody came so far") });
    let error = template.changes().unwrap_err();
    assert_eq!(error.layer(), Some("log"));
    assert_eq!(
        error.to_string(),
        "log: the layer could not be made: no disk"
    );
    assert!(std::error::Error::source(&error).is_some_and(|it| it.is::<io::Error>()));
    // One of the stack's own keeps its kind.
    let template = Template::new().try_layer("tls", || -> Result<Count, Error> {
        Err(Error::truncated("half a certificate"))
    });
    let error = template.stack().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
    assert_eq!(error.to_string(), "tls: half a certificate");
}

#[test]
fn an_order_that_a_role_forbids_is_refused_before_anything_comes_in() {
    let zstd = || CompressLayer::zstd(3);
    let (config, _) = configs();
    let order = |template: Template| {
        let error = template.changes().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Order);
        error.to_string()
    };
    let at_client = Arc::clone(&config);
    let template = Template::new()
        .layer("zstd", zstd)
        .layer("count", Count::default)
        .layer("inner", move || client(&at_client));
    assert_eq!(
        order(template),
        "inner: encryption above a compressor has to be asked for explicitly"
    );
    let template = Template::new().layer("one", zstd).layer("two", zstd);
    assert!(order(template).starts_with("two: compression over compression"));
    let template = Template::new()
        .layer("zstd", zstd)
        .layer("tls", move || client(&config).anywhere());
    assert!(template.changes().is_ok(), "it is meant");
    // With what stands already it is the stack's to say.
    let mut stack = Template::new().layer("zstd", zstd).stack().unwrap();
    let again = Template::new().layer("zstd", zstd).changes().unwrap();
    match stack.apply(again) {
        Err(PushError::Refused { error, .. }) => assert_eq!(error.kind(), ErrorKind::Order),
        other => panic!("{other:?}"),
    }
}

// ---- where it is applied ----

#[tokio::test]
async fn layers_with_handshakes_come_up_as_one() {
    let peer = async |io, template: Template| {
        let mut connection = Connection::from_template(io, &template).await.unwrap();
        assert_eq!(connection.stack().to_string(), template.to_string());
        greet(&mut connection).await;
    };
    let (near, far) = duplex(7);
    tokio::join!(peer(near, toys(Toy::client)), peer(far, toys(Toy::server)));
}

#[tokio::test]
async fn a_codec_over_tls_and_tls_in_tls_come_up_as_one() {
    let (client_config, server_config) = configs();
    let (outer, inner) = (Arc::clone(&client_config), client_config);
    let at_client = Template::new()
        .layer("tls", move || client(&outer))
        .layer("tls", move || client(&inner).anywhere())
        .layer("zstd", || CompressLayer::zstd(3));
    let (outer, inner) = (Arc::clone(&server_config), server_config);
    let at_server = Template::new()
        .layer("tls", move || TlsLayer::server(Arc::clone(&outer)))
        .layer("tls", move || server(&inner).anywhere())
        .layer("zstd", || CompressLayer::zstd(3));
    let peer = async |io, template| {
        let mut connection = Connection::from_template(io, template).await.unwrap();
        let drawn = "app <=> zstd <=> tls <=> tls <=> network";
        assert_eq!(connection.stack().to_string(), drawn);
        greet(&mut connection).await;
        leave::<CompressLayer>(&mut connection).await;
        leave::<TlsLayer>(&mut connection).await;
        leave::<TlsLayer>(&mut connection).await;
        assert_eq!(connection.stack().to_string(), "app <=> network");
        greet(&mut connection).await;
    };
    // The second time over a wire that takes few bytes at once.
    for wire in [64 * 1024, 100] {
        let (near, far) = duplex(wire);
        tokio::join!(peer(near, &at_client), peer(far, &at_server));
    }
}

#[tokio::test]
async fn a_peer_that_speaks_no_such_language_is_an_error_of_the_layer() {
    let (io, mut peer) = duplex(100);
    peer.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let made = Connection::from_template(io, &toys(Toy::server)).await;
    let error = made.map(|it| it.stack().to_string()).unwrap_err();
    assert_eq!(error.layer(), Some("low"));
    assert_eq!(error.kind(), ErrorKind::Protocol);
}

/// Applies the template before anything else, greets, and takes the topmost toy out again when the
/// peer's greeting has come.
struct App {
    template: Template,
    top: Option<LayerId<Toy>>,
    log: Vec<String>,
}

impl App {
    fn new(template: Template) -> Self {
        let (top, log) = (None, Vec::new());
        Self { template, top, log }
    }
}

impl Protocol for App {
    fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        let changes = self.template.changes()?;
        self.top = changes.id();
        cx.apply(changes);
        cx.send(b"hello");
        Ok(Readiness::Up)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        self.log.push(String::from_utf8_lossy(bytes).into_owned());
        if let Some(top) = self.top.take() {
            cx.pop(top);
        }
        Ok(bytes.len())
    }

    fn event(&mut self, cx: &mut Context<'_>, event: Event) {
        match event {
            Event::Up(_) => self.log.push("up".into()),
            Event::Left { .. } => {
                self.log.push("left".into());
                cx.shutdown();
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_callback_applies_it_and_knows_its_layers() {
    let (near, far) = duplex(7);
    let ((one, end), (other, _)) = tokio::join!(
        serve(near, App::new(toys(Toy::client))),
        serve(far, App::new(toys(Toy::server))),
    );
    assert!(end.error().is_none(), "{end:?}");
    assert_eq!(one.log, ["up", "up", "hello", "left"]);
    assert_eq!(other.log, one.log);
}

#[tokio::test]
async fn a_callback_whose_template_fails_fails_with_its_error() {
    let broken = Template::new().try_layer("tls", || Err::<Toy, _>("no key"));
    let (near, _far) = duplex(7);
    let (_, end) = serve(near, App::new(broken)).await;
    let error = end.error().unwrap().to_string();
    assert_eq!(error, "tls: the layer could not be made: no key");
}

#[tokio::test]
async fn a_handle_applies_it_while_the_owner_reads() {
    let (near, far) = duplex(7);
    let (mut near, mut far) = (Connection::new(near), Connection::new(far));
    let (at_near, at_far) = (near.handle(), far.handle());
    let mut notices = at_far.notices();
    let changing = async {
        // A server's layer has to stand before its client's speaks to it.
        let server = at_far.apply(toys(Toy::server).changes().unwrap());
        let client = async {
            while notices.next().await.unwrap().turn != Turn::Attached {}
            at_near.apply(toys(Toy::client).changes().unwrap()).await
        };
        let (server, client) = tokio::join!(server, client);
        server.unwrap();
        client.unwrap();
        let drawn = at_near.look(|stack| stack.to_string()).await;
        assert_eq!(drawn.unwrap(), "app <=> top <=> low <=> network");
    };
    let (mut at_one, mut at_other) = ([0], [0]);
    tokio::select! {
        _ = near.read(&mut at_one) => panic!("nobody wrote"),
        _ = far.read(&mut at_other) => panic!("nobody wrote"),
        () = changing => {}
    }
    tokio::join!(greet(&mut near), greet(&mut far));
}
