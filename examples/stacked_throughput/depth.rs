//! How many layers stand above the stack.

use std::str::FromStr;

/// How many layers that pass everything on stand above the stack: each of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Depths(Vec<usize>);

/// Of a longer range, these and its ends.
const STEPS: [usize; 7] = [0, 1, 2, 4, 8, 16, 32];
/// So many are measured each.
const FEW: usize = 6;

impl Depths {
    /// Those of a picture, unless others are asked for.
    pub(crate) fn usual() -> Self {
        Self::between(0, 16)
    }

    pub(crate) fn all(&self) -> &[usize] {
        &self.0
    }

    fn between(first: usize, last: usize) -> Self {
        let few = last - first < FEW;
        let each = first..=last;
        Self(
            each.filter(|depth| few || *depth == first || *depth == last || STEPS.contains(depth))
                .collect(),
        )
    }
}

impl FromStr for Depths {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ends = text.split_once("..").unwrap_or((text, text));
        match (ends.0.parse(), ends.1.parse()) {
            (Ok(first), Ok(last)) if first <= last => Ok(Self::between(first, last)),
            _ => Err("it is a number of layers, or a range as 0..16".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_range_is_each_and_a_long_one_steps() {
        let depths = |text: &str| text.parse::<Depths>().map(|depths| depths.0);
        assert_eq!(depths("3"), Ok(vec![3]));
        assert_eq!(depths("0..3"), Ok(vec![0, 1, 2, 3]));
        assert_eq!(depths("0..16"), Ok(vec![0, 1, 2, 4, 8, 16]));
        assert_eq!(depths("3..20"), Ok(vec![3, 4, 8, 16, 20]));
        for text in ["", "a", "..", "0..", "4..2", "-1..2", "0...2"] {
            assert!(depths(text).is_err(), "{text}");
        }
    }
}
