//! What is to be measured, as it follows from the command line.

use crate::arguments::{Arguments, Sent};
use crate::depth::Depths;
use crate::peer::Peer;

/// One size of writes, and one depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) size: usize,
    pub(crate) depth: usize,
}

/// The sizes of a picture, unless several are asked for.
const SIZES: [usize; 6] = [64, 512, 4 << 10, 16 << 10, 64 << 10, 256 << 10];

impl Arguments {
    /// Each once.
    pub(crate) fn peers(&self) -> Vec<Peer> {
        if self.peer.is_empty() {
            return vec![Peer::usual(&self.stack)];
        }
        let mut peers = Vec::new();
        for peer in &self.peer {
            if !peers.contains(peer) {
                peers.push(*peer);
            }
        }
        peers
    }

    pub(crate) fn rounds(&self) -> usize {
        self.rounds as usize
    }

    pub(crate) fn sent(&self) -> Sent {
        let peers = self.peers();
        let compresses = self.stack.codec().is_some() || peers.contains(&Peer::AsyncCompression);
        let usual = if compresses { Sent::Mixed } else { Sent::Same };
        self.text.unwrap_or(usual)
    }

    /// At each of them the ping-pong is played, too.
    pub(crate) fn depths(&self) -> Vec<usize> {
        match &self.depth {
            Some(depths) => depths.all().to_vec(),
            None if self.plot.is_some() => Depths::usual().all().to_vec(),
            None => vec![0],
        }
    }

    /// The sizes at the first depth, and the depths at the largest size.
    pub(crate) fn points(&self) -> Vec<Point> {
        let (depths, largest) = (self.depths(), self.largest());
        let mut sizes = self.size.clone();
        if self.plot.is_some() && sizes.len() == 1 {
            sizes.extend(SIZES);
        }
        sizes.sort_unstable();
        sizes.dedup();
        let depth = depths[0];
        let by_size = sizes.into_iter().map(|size| Point { size, depth });
        let by_depth = depths[1..].iter().map(|depth| Point {
            size: largest,
            depth: *depth,
        });
        by_size.chain(by_depth).collect()
    }

    /// The size with which the depths are measured.
    pub(crate) fn largest(&self) -> usize {
        self.size.iter().copied().max().unwrap_or(64 << 10)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn points(line: &str) -> Vec<(usize, usize)> {
        let words = std::iter::once("stacked_throughput").chain(line.split_whitespace());
        let arguments = Arguments::try_parse_from(words).expect("a command line");
        let points = arguments.points();
        points.iter().map(|it| (it.size, it.depth)).collect()
    }

    #[test]
    fn one_axis_at_a_time_is_measured() {
        assert_eq!(points("--size 64"), [(64, 0)]);
        assert_eq!(points("--size 4K,64,4K"), [(64, 0), (4096, 0)]);
        assert_eq!(
            points("--size 64,4K --depth 1..3"),
            [(64, 1), (4096, 1), (4096, 2), (4096, 3)]
        );
    }

    #[test]
    fn a_picture_has_both_axes() {
        let points = points("--size 1K --plot x.svg");
        let (sizes, depths) = points.split_at(7);
        assert!(sizes.contains(&(1024, 0)) && sizes.contains(&(256 << 10, 0)));
        assert_eq!(
            depths,
            [(1024, 1), (1024, 2), (1024, 4), (1024, 8), (1024, 16)]
        );
    }

    #[test]
    fn a_peer_that_is_named_twice_is_measured_once() {
        let words = ["", "--peer", "raw,boxed", "--peer", "raw"];
        let arguments = Arguments::try_parse_from(words).expect("a command line");
        assert_eq!(arguments.peers(), [Peer::Raw, Peer::Boxed]);
    }
}
