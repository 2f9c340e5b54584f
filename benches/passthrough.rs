//! What a stack of layers that do nothing costs on TCP loopback, beside the bare socket and
//! beside nested boxed wrappers.

use std::net::TcpStream;
use std::process::ExitCode;

use measure::bulk::Bulk;
use measure::load::Load;
use measure::nodes::Pass;
use measure::open::{Open, Raw};
use measure::sockets::raw;
use measure::text::Text;
use measure::wrapper::Boxed;
use measure::{Variant, bench, variant};
use stack::Connection;

fn main() -> ExitCode {
    bench(|bench| {
        let bulks = [64 << 10, 16 << 10, 4 << 10].map(|size| {
            Load::Bulk(Bulk {
                bytes: 48 << 20,
                write: size,
                read: size,
                flushed: false,
                text: Text::Same,
            })
        });
        for load in bulks.into_iter().chain([Load::PingPong(1000)]) {
            bench.compare(&load.to_string(), rows(load), load.unit());
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
