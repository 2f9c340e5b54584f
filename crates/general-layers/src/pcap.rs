//! What passes, as a capture of packets.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stack::{Blame, Context, End, Standing, Watch};

use crate::Capture;
use crate::conversation::{Conversation, Side};

/// A layer that writes what passes into a [`Capture`], as if it were the TCP connection itself:
/// Wireshark shows the bytes at the layer's height of the stack, above TLS in clear.
///
/// The handshake, acknowledgements and addresses are made up; the order of the bytes and their times
/// are true. The end of each half is a FIN, and a failure a RST. Where the layer is popped, the capture
/// of it just ends.
///
/// ```
/// use std::time::SystemTime;
/// use general_layers::{Capture, Pcap};
/// use stack::{Limits, Stack};
///
/// let capture = Capture::new(Vec::new()); // or a `BufWriter` over a file
/// let mut stack = Stack::new(Limits::default());
/// // One below TLS, one above it, in the same file.
/// stack.push(Pcap::new(&capture, SystemTime::now())).unwrap();
/// stack.push(Pcap::new(&capture, SystemTime::now())).unwrap();
/// stack.write(b"hello").unwrap();
/// assert!(capture.error().is_none());
/// ```
///
/// # Secrets
///
/// The file holds all that the connection carries at that height, passwords included.
#[derive(Debug)]
pub struct Pcap {
    capture: Capture,
    /// When the connection began, counted from 1970.
    began: Duration,
    /// When something last passed: what is told that it is lost is not told when.
    last: Duration,
    local: SocketAddr,
    remote: SocketAddr,
    opened_by: Side,
    conversation: Conversation,
}

impl Pcap {
    /// Captures a connection that began at this time of the wall clock, between made-up addresses,
    /// another local port for each, from this side.
    pub fn new(capture: &Capture, began: SystemTime) -> Self {
        let made_up =
            |host, port| SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, host)), port);
        // Of those that nobody has registered; and one that no reader takes for a protocol's.
        let port = 49_152 + capture.number() % 16_384;
        let (local, remote) = (made_up(1, port), made_up(2, 9));
        Self {
            capture: capture.clone(),
            began: began.duration_since(UNIX_EPOCH).unwrap_or_default(),
            last: Duration::ZERO,
            local,
            remote,
            opened_by: Side::Local,
            conversation: Conversation::new(capture, local, remote, 0),
        }
    }

    /// Says which addresses the packets bear. By the port Wireshark guesses the protocol. If only
    /// one is of IPv4, it is written as IPv6 does it (`::ffff:…`).
    #[must_use]
    pub fn between(mut self, local: SocketAddr, remote: SocketAddr) -> Self {
        (self.local, self.remote) = (local, remote);
        self
    }

    /// Says that the peer opened the connection, so that it is the peer who begins the handshake.
    #[must_use]
    pub fn accepted(mut self) -> Self {
        self.opened_by = Side::Remote;
        self
    }

    /// The time since 1970 on the connection's clock.
    fn at(&mut self, cx: &Context<'_>) -> Duration {
        self.last = self.began.saturating_add(cx.now());
        self.last
    }
}

impl Watch for Pcap {
    fn name(&self) -> &str {
        "pcap"
    }

    fn attached(&mut self, cx: &Context<'_>, _: &Standing) {
        self.conversation = Conversation::new(&self.capture, self.local, self.remote, 0);
        // Who has asked for the time is told that of each write.
        let at = self.at(cx);
        self.conversation.open(at, self.opened_by);
    }

    fn received(&mut self, cx: &Context<'_>, bytes: &[u8]) {
        let at = self.at(cx);
        self.conversation.data(at, Side::Remote, bytes);
    }

    fn end_received(&mut self, cx: &Context<'_>) {
        let at = self.at(cx);
        self.conversation.finish(at, Side::Remote);
    }

    fn sent(&mut self, cx: &Context<'_>, bytes: &[u8]) {
        let at = self.at(cx);
        self.conversation.data(at, Side::Local, bytes);
    }

    fn finished(&mut self, cx: &Context<'_>) {
        let at = self.at(cx);
        self.conversation.finish(at, Side::Local);
    }

    fn lost(&mut self, end: &End) {
        if let Some(error) = end.error() {
            let by = match error.blame() {
                Blame::Transport => Side::Remote,
                Blame::Local | Blame::Remote => Side::Local,
            };
            self.conversation.reset(self.last, by);
        }
        // Whoever wants to know of a failure asks the capture.
        let _ = self.capture.flush();
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use etherparse::{NetSlice, SlicedPacket, TransportSlice};
    use pcap_file::pcap::PcapReader;
    use stack::{Error, Limits, Stack};

    use super::*;
    use crate::conversation::SEGMENT;

    /// A file whose bytes can be looked at, and that takes no more than so many.
    #[derive(Clone)]
    struct File {
        bytes: Arc<Mutex<Vec<u8>>>,
        room: usize,
    }

    impl File {
        fn new(room: usize) -> Self {
            let bytes = Arc::default();
            Self { bytes, room }
        }

        fn packets(&self) -> Vec<Packet> {
            let bytes = self.bytes.lock().unwrap().clone();
            let mut reader = PcapReader::new(&*bytes).unwrap();
            let mut packets = Vec::new();
            while let Some(packet) = reader.next_packet() {
                let packet = packet.unwrap();
                packets.push(Packet::parsed(packet.timestamp, &packet.data));
            }
            packets
        }
    }

    impl Write for File {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut file = self.bytes.lock().unwrap();
            if file.len() + bytes.len() > self.room {
                return Err(io::ErrorKind::StorageFull.into());
            }
            file.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[derive(Debug)]
    struct Packet {
        at: Duration,
        from: SocketAddr,
        to: SocketAddr,
        /// Those of `SAFR` that are set.
        flags: String,
        seq: u32,
        ack: u32,
        payload: Vec<u8>,
    }

    impl Packet {
        fn parsed(at: Duration, data: &[u8]) -> Self {
            let sliced = SlicedPacket::from_ip(data).unwrap();
            let Some(TransportSlice::Tcp(tcp)) = sliced.transport else {
                panic!("no TCP in {sliced:?}");
            };
            let (from, to, checksum) = match sliced.net.unwrap() {
                NetSlice::Ipv4(ip) => {
                    let ip = ip.header();
                    assert_eq!(ip.header_checksum(), ip.to_header().calc_header_checksum());
                    let checksum = tcp.calc_checksum_ipv4(ip.source(), ip.destination());
                    (
                        ip.source_addr().into(),
                        ip.destination_addr().into(),
                        checksum,
                    )
                }
                NetSlice::Ipv6(ip) => {
                    let ip = ip.header();
                    let checksum = tcp.calc_checksum_ipv6(ip.source(), ip.destination());
                    (
                        ip.source_addr().into(),
                        ip.destination_addr().into(),
                        checksum,
                    )
                }
                net => panic!("no IP in {net:?}"),
            };
            assert_eq!(checksum.unwrap(), tcp.checksum());
            let flags = [tcp.syn(), tcp.ack(), tcp.fin(), tcp.rst()];
            let set = flags.into_iter().zip("SAFR".chars());
            Self {
                at,
                from: SocketAddr::new(from, tcp.source_port()),
                to: SocketAddr::new(to, tcp.destination_port()),
                flags: set.filter_map(|(set, flag)| set.then_some(flag)).collect(),
                seq: tcp.sequence_number(),
                ack: tcp.acknowledgment_number(),
                payload: tcp.payload().to_vec(),
            }
        }
    }

    /// Follows the numbers as a reader of captures does, and says what `from` sent.
    fn follow(packets: &[Packet], from: SocketAddr, first: u32) -> Vec<u8> {
        let (mut next, mut others, mut bytes) = (first, first, Vec::new());
        for packet in packets {
            let len = packet.payload.len() as u32;
            let len = len + u32::from(packet.flags.contains(['S', 'F']));
            if packet.from == from {
                assert_eq!(packet.seq, next, "{packet:?}");
                next = next.wrapping_add(len);
                bytes.extend_from_slice(&packet.payload);
                if packet.flags.contains('A') {
                    assert_eq!(packet.ack, others, "{packet:?}");
                }
            } else {
                others = others.wrapping_add(len);
            }
        }
        bytes
    }

    fn flags(packets: &[Packet]) -> Vec<&str> {
        packets.iter().map(|packet| &*packet.flags).collect()
    }

    fn began() -> SystemTime {
        UNIX_EPOCH + Duration::new(1_800_000_000, 5)
    }

    #[test]
    fn a_life_is_a_tcp_connection() {
        let file = File::new(usize::MAX);
        let capture = Capture::new(file.clone());
        let (v4, v6) = ("203.0.113.7:25", "[2001:db8::1]:26");
        for (local, remote) in [(v4, "192.0.2.1:1"), (v6, "[2001:db8::2]:2"), (v6, v4)] {
            file.bytes.lock().unwrap().truncate(24);
            let [local, remote] = [local, remote].map(|address| address.parse().unwrap());
            let pcap = Pcap::new(&capture, began())
                .between(local, remote)
                .accepted();
            let mut stack = Stack::new(Limits::default());
            stack.push(pcap).unwrap();
            stack.advance(Duration::from_secs(1));
            stack.receive(&mut b"EHLO".to_vec());
            stack.advance(Duration::from_secs(2));
            stack.write(b"250").unwrap();
            stack.receive_end();
            stack.shutdown();
            drop(stack);

            let packets = file.packets();
            assert_eq!(flags(&packets), ["S", "SA", "A", "A", "A", "AF", "AF", "A"]);
            assert_eq!(packets[0].from.port(), remote.port(), "the peer opened it");
            let from = |port| packets.iter().find(|packet| packet.from.port() == port);
            let [local, remote] = [local, remote].map(|end| from(end.port()).unwrap().from);
            assert_eq!(packets[0].to, local);
            assert_eq!(follow(&packets, remote, 0), b"EHLO");
            assert_eq!(follow(&packets, local, 0), b"250");
            let at: Vec<_> = packets.iter().map(|packet| packet.at).collect();
            assert_eq!(at[0], Duration::new(1_800_000_000, 5));
            assert_eq!(at[3], Duration::new(1_800_000_001, 5));
            assert_eq!(at[4], Duration::new(1_800_000_002, 5));
        }
    }

    #[test]
    fn numbers_begin_anew_after_the_last_and_packets_are_no_larger_than_ip_allows() {
        let file = File::new(usize::MAX);
        let ends = ["192.0.2.1:1", "192.0.2.2:2"].map(|address| address.parse().unwrap());
        let first = u32::MAX - 100_000;
        let mut conversation =
            Conversation::new(&Capture::new(file.clone()), ends[0], ends[1], first);
        let bytes: Vec<u8> = (0..SEGMENT * 3).map(|i| (i % 251) as u8).collect();
        conversation.open(Duration::ZERO, Side::Local);
        conversation.data(Duration::ZERO, Side::Local, &bytes);
        conversation.data(Duration::ZERO, Side::Remote, &bytes);
        conversation.finish(Duration::ZERO, Side::Remote);
        let packets = file.packets();
        assert!(packets.iter().all(|packet| packet.payload.len() <= SEGMENT));
        assert_eq!(packets.len(), 3 + 3 + 3 + 1);
        assert!(follow(&packets, ends[0], first) == bytes);
        assert!(follow(&packets, ends[1], first) == bytes);
    }

    #[test]
    fn a_failure_is_a_reset() {
        let file = File::new(usize::MAX);
        let capture = Capture::new(file.clone());
        let mut stack = Stack::new(Limits::default());
        stack.push(Pcap::new(&capture, began())).unwrap();
        stack.fail(Error::transport(io::ErrorKind::ConnectionReset.into()));
        drop(stack);
        let packets = file.packets();
        assert_eq!(flags(&packets), ["S", "SA", "A", "AR"]);
        assert_eq!(packets[3].from, packets[1].from, "the peer's");
    }

    #[test]
    fn several_share_a_file_and_can_be_told_apart() {
        let file = File::new(usize::MAX);
        let capture = Capture::new(file.clone());
        let mut stacks = [(); 2].map(|()| Stack::new(Limits::default()));
        for (stack, byte) in stacks.iter_mut().zip(*b"ab") {
            stack.push(Pcap::new(&capture, began())).unwrap();
            stack.push(Pcap::new(&capture, began())).unwrap();
            stack.write(&[byte]).unwrap();
        }
        let packets = file.packets();
        let sent = |port| {
            let of = |packet: &&Packet| packet.from.port() == port;
            let packets = packets.iter().filter(of);
            packets
                .flat_map(|packet| packet.payload.clone())
                .collect::<Vec<_>>()
        };
        let ports = [49_152, 49_153, 49_154, 49_155];
        assert_eq!(ports.map(sent), [b"a", b"a", b"b", b"b"]);
    }

    #[test]
    fn a_writer_that_fails_disturbs_nobody() {
        for room in [0, 24, 100, 300] {
            let file = File::new(room);
            let capture = Capture::new(file.clone());
            let mut stack = Stack::new(Limits::default());
            let id = stack.push(Pcap::new(&capture, began())).unwrap();
            for _ in 0..10 {
                stack.receive(&mut [7; 10]);
                stack.write(&[8; 10]).unwrap();
            }
            assert_eq!(stack.readable(), [7; 100]);
            assert_eq!(stack.outgoing(), [8; 100]);
            let kind = |error: Arc<io::Error>| error.kind();
            assert_eq!(capture.error().map(kind), Some(io::ErrorKind::StorageFull));
            assert_eq!(
                capture.flush().map_err(kind),
                Err(io::ErrorKind::StorageFull)
            );
            stack.start_pop(id.key()).unwrap();
            assert!(stack.take_popped(id).is_some());
        }
    }

    #[test]
    fn pushed_again_it_is_another_connection_in_the_same_file() {
        let file = File::new(usize::MAX);
        let capture = Capture::new(file.clone());
        let mut stack = Stack::new(Limits::default());
        let id = stack.push(Pcap::new(&capture, began())).unwrap();
        stack.write(b"x").unwrap();
        stack.start_pop(id.key()).unwrap();
        let (pcap, _) = stack.take_popped(id).unwrap();
        stack.write(b"past it").unwrap();
        stack.push(pcap).unwrap();
        let packets = file.packets();
        assert_eq!(flags(&packets), ["S", "SA", "A", "A", "S", "SA", "A"]);
        assert_eq!((packets[4].seq, packets[4].from), (0, packets[0].from));
    }
}
