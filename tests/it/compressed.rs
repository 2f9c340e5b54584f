//! Codecs beside TLS: above it, and below where that is meant; through both pops in either order, with
//! bytes under way both ways.

use compress_layer::{CompressLayer, Deflate, Zstd};
use stack::{Connection, ErrorKind, LayerId, LayerKey, Outcome, Residue};
use tls_layer::TlsLayer;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split};
use tokio::task::yield_now;

use crate::pair::{Cut, Pair, read_all, read_epochs};
use crate::real::{client, configs, pattern, server};
use crate::spy::named;
use crate::surgery::refused;
use crate::tls_live::without_tickets;

/// How the two come to stand above one another.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Built {
    /// STARTTLS, then COMPRESS.
    CodecPushed,
    CodecInsertedAbove,
    CodecInsertedBelow,
    TlsPushedOverCodec,
}

impl Built {
    const ALL: [Self; 4] = [
        Self::CodecPushed,
        Self::CodecInsertedAbove,
        Self::CodecInsertedBelow,
        Self::TlsPushedOverCodec,
    ];

    fn codec_is_upper(self) -> bool {
        matches!(self, Self::CodecPushed | Self::CodecInsertedAbove)
    }
}

/// Two peers, the client first, with TLS and a codec.
struct Both {
    pair: Pair,
    tls: [LayerId<TlsLayer>; 2],
    codec: [LayerId<CompressLayer>; 2],
}

impl Both {
    fn new(built: Built, cut: Cut, tls: [TlsLayer; 2], codec: impl Fn() -> CompressLayer) -> Self {
        let mut pair = Pair::new(cut);
        let [client, server] = tls;
        if built == Built::TlsPushedOverCodec {
            let codec = [&mut pair.a, &mut pair.b].map(|stack| stack.push(codec()).unwrap());
            let tls = [
                pair.a.push(client.anywhere()).unwrap(),
                pair.b.push(server.anywhere()).unwrap(),
            ];
            pair.settle();
            return Self { pair, tls, codec };
        }
        let tls = [pair.a.push(client).unwrap(), pair.b.push(server).unwrap()];
        pair.settle();
        let stacks = [(&mut pair.a, tls[0]), (&mut pair.b, tls[1])];
        let codec = stacks.map(|(stack, tls)| match built {
            Built::CodecInsertedAbove => stack.insert_above(tls, codec()).unwrap(),
            Built::CodecInsertedBelow => stack.insert_below(tls, codec().anywhere()).unwrap(),
            _ => stack.push(codec()).unwrap(),
        });
        Self { pair, tls, codec }
    }

    /// The layers of an end, that which is popped first before the other.
    fn keys(&self, end: usize, codec_first: bool) -> [LayerKey; 2] {
        let (tls, codec) = (self.tls[end].key(), self.codec[end].key());
        match codec_first {
            true => [codec, tls],
            false => [tls, codec],
        }
    }
}

/// Both write, pop, write, pop and write before the other hears any of it.
fn through_both_pops(built: Built, codec_first: bool, cut: Cut, codec: impl Fn() -> CompressLayer) {
    let shape = format!("{built:?}, codec first: {codec_first}, {cut:?}");
    let (client_config, server_config) = configs();
    let tls = [
        client(&client_config),
        server(&without_tickets(&server_config)),
    ];
    let mut both = Both::new(built, cut, tls, codec);
    let keys = [0, 1].map(|end| both.keys(end, codec_first));
    let pair = &mut both.pair;
    let words = [["one", "two", "three"], ["ONE", "TWO", "THREE"]];
    for ((stack, keys), words) in [&mut pair.a, &mut pair.b].into_iter().zip(keys).zip(words) {
        stack.write(words[0].as_bytes()).unwrap();
        stack.start_pop(keys[0]).unwrap();
        stack.write(words[1].as_bytes()).unwrap();
        stack.start_pop(keys[1]).unwrap();
        stack.write(words[2].as_bytes()).unwrap();
        let wire = stack.outgoing();
        let bare = |word: &str| wire.windows(word.len()).any(|at| at == word.as_bytes());
        assert!(wire.ends_with(words[2].as_bytes()), "{shape}");
        assert!(!bare(words[0]), "{shape}");
        assert!(!codec_first || !bare(words[1]), "{shape}");
    }
    pair.settle();
    let codec = pair.a.take_popped(both.codec[0]).unwrap().0;
    let name = stack::Layer::name(&codec).to_owned();
    let first = match built.codec_is_upper() {
        true => ["tls", &name],
        false => [&name, "tls"],
    };
    let second = [if codec_first { "tls" } else { &name }];
    for (stack, words) in [(&mut pair.a, words[1]), (&mut pair.b, words[0])] {
        let crossed = [
            named(&first, words[0]),
            named(&second, words[1]),
            named(&[], words[2]),
        ];
        assert_eq!(read_epochs(stack), crossed, "{shape}");
        assert_eq!(stack.to_string(), "app <=> network", "{shape}");
    }
    for (stack, tls) in [(&mut pair.a, both.tls[0]), (&mut pair.b, both.tls[1])] {
        assert_eq!(stack.take_popped(tls).unwrap().1, Outcome::Clean);
    }
    // What has left comes again.
    let (again, outcome) = pair.b.take_popped(both.codec[1]).unwrap();
    assert_eq!(outcome, Outcome::Clean);
    pair.a.push(codec).unwrap();
    pair.b.push(again).unwrap();
    pair.a.write(b"again").unwrap();
    pair.settle();
    assert_eq!(read_epochs(&mut pair.b), [named(&[&name], "again")]);
}

const CUTS: [Cut; 7] = [
    Cut::Lump,
    Cut::Drip,
    Cut::At(1),
    Cut::At(2),
    Cut::At(5),
    Cut::At(6),
    Cut::At(30),
];

#[test]
fn each_byte_crosses_the_right_layers_through_both_pops_in_either_order() {
    for codec in [|| CompressLayer::deflate(6), || CompressLayer::zstd(3)] {
        for built in Built::ALL {
            for codec_first in [true, false] {
                for cut in CUTS {
                    through_both_pops(built, codec_first, cut, codec);
                }
            }
        }
    }
}

#[test]
fn so_it_does_with_each_format_and_with_series() {
    let codecs: [fn() -> CompressLayer; 7] = [
        || CompressLayer::zlib(6),
        || CompressLayer::gzip(6),
        || CompressLayer::brotli(3),
        || CompressLayer::lz4(1),
        || CompressLayer::deflate(6).framed(),
        || CompressLayer::zstd(3).framed(),
        || CompressLayer::new(Deflate::new(9).with_window_log(9)),
    ];
    for codec in codecs {
        through_both_pops(Built::CodecPushed, true, Cut::Drip, codec);
        through_both_pops(Built::CodecInsertedBelow, true, Cut::Lump, codec);
    }
}

/// One direction is compressed; the other has no end mark, and is left as it is throughout. (The testing
/// kit expects a mark each way.)
#[test]
fn one_direction_alone_goes_through_a_pop() {
    for cut in Cut::EACH {
        let mut pair = Pair::new(cut);
        let a = pair.a.push(CompressLayer::sending(Zstd::new(3))).unwrap();
        let b = pair.b.push(CompressLayer::receiving(Zstd::new(3))).unwrap();
        for (stack, key, words) in [
            (&mut pair.a, a.key(), ["one", "two"]),
            (&mut pair.b, b.key(), ["ONE", "TWO"]),
        ] {
            stack.write(words[0].as_bytes()).unwrap();
            stack.start_pop(key).unwrap();
            stack.write(words[1].as_bytes()).unwrap();
        }
        assert_eq!(pair.b.outgoing(), b"ONETWO");
        pair.settle();
        let crossed = [named(&["zstd"], "one"), named(&[], "two")];
        assert_eq!(read_epochs(&mut pair.b), crossed, "{cut:?}");
        assert_eq!(read_all(&mut pair.a), b"ONETWO", "{cut:?}");
        assert_eq!(pair.a.take_popped(a).unwrap().1, Outcome::Clean);
        assert_eq!(pair.b.take_popped(b).unwrap().1, Outcome::Clean);
    }
}

/// Where and how a live connection is cut.
#[derive(Clone, Copy, Debug)]
struct Narrow {
    /// What the network holds.
    pipe: usize,
    /// What is read at once.
    gulp: usize,
    /// How long a body is.
    body: usize,
}

/// One end: TLS and a codec come, and go while both peers write.
async fn lives(
    mut connection: Connection<DuplexStream>,
    tls: TlsLayer,
    codec: CompressLayer,
    codec_first: bool,
    narrow: Narrow,
    side: usize,
) {
    let tls = connection.push(tls).await.unwrap();
    let codec = connection.push(codec).await.unwrap();
    let keys = match codec_first {
        true => [codec.key(), tls.key()],
        false => [tls.key(), codec.key()],
    };
    let body = |side, nth| pattern(narrow.body, side * 100 + nth);
    let handle = connection.handle();
    let (mut reader, mut writer) = split(&mut connection);
    let writing = async {
        for (nth, key) in keys.into_iter().enumerate() {
            writer.write_all(&body(side, nth)).await.unwrap();
            handle.start_pop(key).await.unwrap();
        }
        writer.write_all(&body(side, 2)).await.unwrap();
        writer.flush().await.unwrap();
    };
    let theirs = [0, 1, 2].map(|nth| body(1 - side, nth)).concat();
    let reading = async {
        let (mut seen, mut piece, mut ends) = (Vec::new(), vec![0; narrow.gulp], 0);
        while seen.len() < theirs.len() {
            let most = narrow.gulp.min(theirs.len() - seen.len());
            match reader.read(&mut piece[..most]).await.unwrap() {
                // The peer was the first to end a layer, and ours still writes.
                0 if ends < 1_000_000 => {
                    ends += 1;
                    yield_now().await;
                }
                0 => panic!("the end, after {} bytes", seen.len()),
                n => seen.extend_from_slice(&piece[..n]),
            }
        }
        assert!(seen == theirs, "{narrow:?}");
    };
    tokio::join!(writing, reading);
    assert_eq!(connection.pop(tls).await.unwrap().1, Outcome::Clean);
    let (codec, outcome) = connection.pop(codec).await.unwrap();
    assert_eq!(outcome, Outcome::Clean);
    assert_eq!(connection.stack().to_string(), "app <=> network");

    connection.push(codec).await.unwrap();
    connection.write_all(&body(side, 3)).await.unwrap();
    connection.shutdown().await.unwrap();
    let mut seen = Vec::new();
    connection.read_to_end(&mut seen).await.unwrap();
    assert!(seen == body(1 - side, 3));
}

#[tokio::test]
async fn live_they_come_and_go_while_both_peers_write() {
    let narrows = [
        (1, 1, 300),
        (7, 100, 2000),
        (1000, 1, 5000),
        (65_536, 9000, 100_000),
    ]
    .map(|(pipe, gulp, body)| Narrow { pipe, gulp, body });
    let (client_config, server_config) = configs();
    let codecs: [fn() -> CompressLayer; 6] = [
        || CompressLayer::deflate(6),
        || CompressLayer::zstd(3),
        || CompressLayer::zlib(6),
        || CompressLayer::gzip(6),
        || CompressLayer::brotli(1),
        || CompressLayer::lz4(1),
    ];
    for (nth, codec) in codecs.into_iter().enumerate() {
        // The first two at length, the others once.
        for &narrow in if nth < 2 {
            &narrows[..]
        } else {
            &narrows[1..2]
        } {
            for codec_first in [true, false] {
                let (a, b) = duplex(narrow.pipe);
                let (a, b) = (Connection::new(a), Connection::new(b));
                // What came before a push is of the new layer: both ends know when it is due.
                let fed = server(&server_config).with_residue(Residue::Feed);
                let one = client(&client_config);
                tokio::join!(
                    lives(a, one, codec(), codec_first, narrow, 0),
                    lives(b, fed, codec(), codec_first, narrow, 1),
                );
            }
        }
    }
}

/// Refused with a typed error and nothing sent, and the dialogue goes on; also a second COMPRESS.
#[tokio::test]
async fn s13_and_s14_live_a_refused_layer_leaves_the_dialogue_as_it_was() {
    let (client_config, server_config) = configs();
    let (near, far) = duplex(50);
    let serves = async {
        let mut connection = Connection::new(near);
        assert_eq!(line(&mut connection).await, "COMPRESS\r\n");
        let answer = connection.push_after(b"OK\r\n", CompressLayer::deflate(6));
        let codec = answer.await.unwrap();
        assert_eq!(line(&mut connection).await, "STARTTLS\r\n");
        let answer = connection.push_after(b"go ahead\r\n", server(&server_config));
        let (tls, kind) = refused(answer.await);
        assert_eq!(kind, ErrorKind::Order);
        connection.write_all(b"NO\r\n").await.unwrap();
        assert_eq!(line(&mut connection).await, "COMPRESS\r\n");
        let answer = connection.push_after(b"OK\r\n", CompressLayer::zstd(3));
        let (second, kind) = refused(answer.await);
        assert_eq!(kind, ErrorKind::Order);
        connection.write_all(b"NO\r\n").await.unwrap();
        // Without the codec it is in order, and the layers that were given back are as good as new.
        connection.pop(codec).await.unwrap();
        assert_eq!(line(&mut connection).await, "STARTTLS\r\n");
        connection.push_after(b"OK\r\n", tls).await.unwrap();
        assert_eq!(line(&mut connection).await, "COMPRESS\r\n");
        connection.push_after(b"OK\r\n", second).await.unwrap();
        let mut rest = String::new();
        connection.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "BYE\r\n");
        connection
    };
    let asks = async {
        let mut connection = Connection::new(far);
        let codec = CompressLayer::deflate(6);
        assert_eq!(ask(&mut connection, "COMPRESS\r\n").await, "OK\r\n");
        let codec = connection.push(codec).await.unwrap();
        assert_eq!(ask(&mut connection, "STARTTLS\r\n").await, "NO\r\n");
        assert_eq!(ask(&mut connection, "COMPRESS\r\n").await, "NO\r\n");
        connection.pop(codec).await.unwrap();
        assert_eq!(ask(&mut connection, "STARTTLS\r\n").await, "OK\r\n");
        connection.push(client(&client_config)).await.unwrap();
        assert_eq!(ask(&mut connection, "COMPRESS\r\n").await, "OK\r\n");
        connection.push(CompressLayer::zstd(3)).await.unwrap();
        let drawn = connection.stack().to_string();
        assert_eq!(drawn, "app <=> zstd <=> tls <=> network");
        connection.write_all(b"BYE\r\n").await.unwrap();
        connection.shutdown().await.unwrap();
        connection
    };
    // Both live until both are done.
    let _connections = tokio::join!(serves, asks);
}

async fn line(connection: &mut Connection<DuplexStream>) -> String {
    let mut line = String::new();
    connection.read_line(&mut line).await.unwrap();
    line
}

async fn ask(connection: &mut Connection<DuplexStream>, command: &str) -> String {
    connection.write_all(command.as_bytes()).await.unwrap();
    line(connection).await
}
