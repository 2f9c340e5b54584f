//! What a stack of layers that do nothing costs on TCP loopback, beside the bare socket and
//! beside nested boxed wrappers.

use std::net::TcpStream;
use std::process::ExitCode;

use measure::bulk::{self, Bulk, both_ways};
use measure::load::Load;
use measure::nodes::Pass;
use measure::open::{Open, Raw};
use measure::sockets::{pair, raw};
use measure::text::Text;
use measure::unit::throughput;
use measure::wrapper::Boxed;
use measure::{Variant, bench, variant};
use stack::Connection;

/// How much is sent.
const BYTES: usize = 48 << 20;

fn main() -> ExitCode {
    bench(|bench| {
        let bulks = [64 << 10, 16 << 10, 4 << 10].map(|size| {
            Load::Bulk(Bulk {
                bytes: BYTES,
                write: size,
                read: size,
                flushed: false,
                text: Text::Same,
            })
        });
        for load in bulks.into_iter().chain([Load::PingPong(1000)]) {
            bench.compare(&load.to_string(), rows(load), load.unit());
        }
        for size in [64 << 10, 4 << 10] {
            let title = format!(
                "Both ways at once, writes of {}, each end split",
                bulk::size(size)
            );
            bench.compare(&title, halves(size), throughput(2 * BYTES));
        }
    })
}

fn rows(load: Load) -> Vec<Variant<'static>> {
    let mut rows = vec![
        variant("raw TcpStream", move || load.run(Raw)),
        variant("raw TcpStream again (A/A)", move || load.run(Raw)),
    ];
    for depth in [1, 4, 16] {
        let name = format!("boxed wrappers, {depth}");
        rows.push(variant(name, move || load.run(Boxed(depth))));
    }
    for depth in [0, 1, 2, 4, 8, 16] {
        let name = format!("stack of {depth}");
        rows.push(variant(name, move || load.run(Layers(depth))));
    }
    rows
}

/// Each end in two halves of `tokio::io::split`, of which one sends while the other receives.
fn halves(size: usize) -> Vec<Variant<'static>> {
    let bulk = Bulk {
        bytes: BYTES,
        write: size,
        read: size,
        flushed: false,
        text: Text::Same,
    };
    let mut rows = vec![
        variant("raw TcpStream", move || both_ways(pair(), Raw, bulk)),
        variant("raw TcpStream again (A/A)", move || {
            both_ways(pair(), Raw, bulk)
        }),
    ];
    for depth in [0, 1, 16] {
        let name = format!("stack of {depth}");
        let run = move || both_ways(pair(), Layers(depth), bulk);
        rows.push(variant(name, run));
    }
    rows
}

/// A stack of so many layers.
#[derive(Clone, Copy)]
struct Layers(usize);

impl Open for Layers {
    type Client = Connection<tokio::net::TcpStream>;
    type Server = Connection<tokio::net::TcpStream>;

    async fn client(self, socket: TcpStream) -> Self::Client {
        let mut connection = Connection::new(raw(socket));
        for _ in 0..self.0 {
            connection.push(Pass).await.expect("a push");
        }
        connection
    }

    async fn server(self, socket: TcpStream) -> Self::Server {
        self.client(socket).await
    }
}
