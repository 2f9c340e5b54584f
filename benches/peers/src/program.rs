//! One of the programs that are compared.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Duration;

use measure::Cost;
use measure::thread::pin;

use crate::order::Order;

/// An executable in the current folder.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    pub(crate) file: &'static str,
    /// Whether it is slow until it has compiled what it runs.
    pub(crate) compiles: bool,
}

impl Program {
    pub(crate) fn exists(self) -> bool {
        self.path().exists()
    }

    pub(crate) fn about(self) -> String {
        End::start(self, &["about"], 0).line()
    }

    fn path(self) -> PathBuf {
        Path::new(".").join(self.file)
    }
}

/// A program's two ends, while they live.
#[derive(Debug)]
pub(crate) struct Pair {
    server: End,
    client: End,
}

impl Pair {
    /// Starts both, and warms them.
    pub(crate) fn start(program: Program, order: Order) -> Self {
        let [server, client] = order.processors();
        let mut server = End::start(program, &["serve"], server);
        let port = server.line();
        let client = End::start(program, &["load", &port], client);
        let mut pair = Self { server, client };
        let warm = if program.compiles {
            order.to_compile()
        } else {
            Duration::from_millis(500)
        };
        while pair.cpu() < warm {
            pair.run(order);
        }
        pair
    }

    pub(crate) fn run(&mut self, order: Order) -> Cost {
        let before = self.cpu();
        writeln!(self.client.orders, "{order}").expect("a program that takes orders");
        let nanos = self.client.line().parse().expect("how many nanoseconds");
        Cost {
            wall: Duration::from_nanos(nanos),
            cpu: self.cpu().saturating_sub(before),
        }
    }

    /// What both have had of the processors.
    fn cpu(&self) -> Duration {
        self.server.cpu() + self.client.cpu()
    }
}

#[derive(Debug)]
struct End {
    process: Child,
    orders: ChildStdin,
    lines: BufReader<ChildStdout>,
}

impl End {
    fn start(program: Program, arguments: &[&str], processor: usize) -> Self {
        let mut command = Command::new(program.path());
        command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        // A process is bound to what the thread is bound to that starts it.
        let bound = || {
            pin(processor);
            command.spawn().expect("a program that can be started")
        };
        let mut process = thread::scope(|scope| scope.spawn(bound).join().expect("a process"));
        let orders = process.stdin.take().expect("a pipe");
        let lines = BufReader::new(process.stdout.take().expect("a pipe"));
        Self {
            process,
            orders,
            lines,
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line");
        assert!(line.ends_with('\n'), "a program has failed");
        line.trim_end().to_owned()
    }

    /// The sum of its threads'.
    fn cpu(&self) -> Duration {
        let threads = format!("/proc/{}/task", self.process.id());
        let nanos = fs::read_dir(threads)
            .expect("threads")
            .filter_map(|thread| {
                // One that has just ended is not there.
                let text = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
                text.split(' ').next()?.parse::<u64>().ok()
            });
        Duration::from_nanos(nanos.sum())
    }
}

impl Drop for End {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
