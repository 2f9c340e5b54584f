//! Plaintext on its way into a full record.

use crate::block::{self, Block};
use crate::record::FULL;

/// Less than a record's plaintext, waiting for more of it or for a flush. Without bytes it holds
/// no memory.
#[derive(Default)]
pub(crate) struct Stage {
    block: Option<Block>,
    len: usize,
}

impl Stage {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len == FULL
    }

    /// Takes bytes until a record is full, and says how many.
    pub(crate) fn fill(&mut self, bytes: &[u8]) -> usize {
        let n = bytes.len().min(FULL - self.len);
        if n > 0 {
            let block = self.block.get_or_insert_with(Block::take);
            let room = &mut block.bytes_mut()[self.len..self.len + n];
            block::copy(&bytes[..n], room);
            self.len += n;
        }
        n
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.block
            .as_ref()
            .map_or(&[], |block| &block.bytes()[..self.len])
    }

    pub(crate) fn clear(&mut self) {
        self.block = None;
        self.len = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_a_record_and_no_more() {
        let mut stage = Stage::default();
        assert_eq!(stage.fill(b"abc"), 3);
        assert_eq!(stage.fill(&[0; 20_000]), FULL - 3);
        assert!(stage.is_full() && stage.bytes().starts_with(b"abc"));
        assert_eq!(stage.fill(b"more"), 0);
        stage.clear();
        assert!(stage.is_empty() && stage.block.is_none() && stage.bytes().is_empty());
    }
}
