//! A stack, as it is written on the command line.

use std::fmt;
use std::str::FromStr;

use crate::kind::{Format, Kind, Version};

/// The most of one kind that a word can ask for; what a stack holds at all is for the stack to say.
const COUNT: usize = 64;

/// A stack, as it is written on the command line: words with commas between them, the lowest layer
/// first. A word is `name[:argument][*count]`. Nothing at all is the stack of no layer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spec {
    words: Vec<Word>,
}

/// So many layers of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Word {
    kind: Kind,
    count: usize,
}

impl Spec {
    /// Of these layers, the lowest first.
    pub(crate) fn of(kinds: impl IntoIterator<Item = Kind>) -> Self {
        let mut words: Vec<Word> = Vec::new();
        for kind in kinds {
            match words.last_mut() {
                Some(word) if word.kind == kind => word.count += 1,
                _ => words.push(Word { kind, count: 1 }),
            }
        }
        Self { words }
    }

    /// Each layer, the lowest first.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = Kind> {
        let words = self.words.iter();
        words.flat_map(|word| std::iter::repeat_n(word.kind, word.count))
    }

    /// How many layers.
    pub(crate) fn len(&self) -> usize {
        self.kinds().count()
    }

    /// As a stack is drawn.
    pub(crate) fn drawn(&self) -> String {
        let layers = self.words.iter().rev().map(|word| format!("{word} <=> "));
        let layers: String = layers.collect();
        format!("app <=> {layers}network")
    }

    /// With so many more above, that pass everything on.
    pub(crate) fn with_passes(&self, count: usize) -> Self {
        Self::of(self.kinds().chain(std::iter::repeat_n(Kind::Pass, count)))
    }

    /// The lowest TLS.
    pub(crate) fn tls(&self) -> Option<Version> {
        self.kinds().find_map(|kind| match kind {
            Kind::Tls(version) => Some(version),
            _ => None,
        })
    }

    /// The lowest codec, and its level.
    pub(crate) fn codec(&self) -> Option<(Format, i32)> {
        self.kinds().find_map(|kind| match kind {
            Kind::Codec(format, level) => Some((format, level)),
            _ => None,
        })
    }
}

impl FromStr for Spec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let words: Result<_, _> = text.split(',').map(str::parse).collect();
        Ok(Self { words: words? })
    }
}

impl FromStr for Word {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (layer, count) = match text.split_once('*') {
            None => (text, 1),
            Some((layer, count)) => match count.parse() {
                Ok(count) if (1..=COUNT).contains(&count) => (layer, count),
                _ => {
                    return Err(format!(
                        "in '{text}': a count is a number from 1 to {COUNT}, as in 'pass*4'"
                    ));
                }
            },
        };
        let kind = match layer.split_once(':') {
            None => Kind::new(layer, None),
            Some((name, argument)) => Kind::new(name, Some(argument)),
        };
        let kind = kind.map_err(|wrong| format!("in '{text}': {wrong}"))?;
        Ok(Self { kind, count })
    }
}

/// As it is parsed, with what was left out.
impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, word) in self.words.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            write!(f, "{comma}{word}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            1 => write!(f, "{}", self.kind),
            count => write!(f, "{}*{count}", self.kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Spec {
        text.parse().expect("a stack")
    }

    /// Why it is none.
    fn wrong(text: &str) -> String {
        text.parse::<Spec>().expect_err("no stack")
    }

    #[test]
    fn words_stand_from_the_lowest_up() {
        let spec = parsed("tls,zstd:3,trace*4");
        let kinds: Vec<_> = spec.kinds().collect();
        assert_eq!(
            kinds[..2],
            [Kind::Tls(Version::V13), Kind::Codec(Format::Zstd, 3)]
        );
        assert_eq!(kinds[2..], [Kind::Trace; 4]);
        assert_eq!(spec.len(), 6);
        assert_eq!(spec.tls(), Some(Version::V13));
        assert_eq!(spec.codec(), Some((Format::Zstd, 3)));
    }

    #[test]
    fn what_is_left_out_is_told_and_parsed_again() {
        let spec = parsed("tls:1.2,deflate,zlib,gzip:9,zstd:-5,brotli,lz4,pass*2,counters");
        let told = spec.to_string();
        assert_eq!(
            told,
            "tls:1.2,deflate:6,zlib:6,gzip:9,zstd:-5,brotli:4,lz4:1,pass*2,counters"
        );
        assert_eq!(parsed(&told), spec);
    }

    #[test]
    fn nothing_is_the_stack_of_no_layer() {
        let spec = parsed("");
        assert_eq!((spec.len(), spec.to_string()), (0, String::new()));
        assert_eq!(spec.with_passes(2).to_string(), "pass*2");
        assert_eq!(spec.with_passes(0), spec);
    }

    #[test]
    fn an_error_names_the_word_and_what_is_allowed() {
        for (text, word, allowed) in [
            ("tls,ztsd:3", "'ztsd:3'", "zstd"),
            ("tls,", "''", "missing"),
            (",tls", "''", "lz4"),
            ("tls,:3", "':3'", "missing"),
            ("TLS", "'TLS'", "tls"),
            ("tls:1.1", "'tls:1.1'", "1.2 or 1.3"),
            ("zstd:23,pass", "'zstd:23'", "-7 to 22"),
            ("zstd:", "'zstd:'", "-7 to 22"),
            ("brotli:12", "'brotli:12'", "0 to 11"),
            ("deflate:x", "'deflate:x'", "0 to 9"),
            ("pass:1", "'pass:1'", "no argument"),
            ("pass*0", "'pass*0'", "1 to 64"),
            ("pass*", "'pass*'", "1 to 64"),
            ("pass*99999999999999999999", "'pass*9", "1 to 64"),
            ("pass*2*2", "'pass*2*2'", "1 to 64"),
            ("zstd*2:3", "'zstd*2:3'", "1 to 64"),
        ] {
            let wrong = wrong(text);
            assert!(wrong.contains(word), "{text}: {wrong}");
            assert!(wrong.contains(allowed), "{text}: {wrong}");
        }
    }
}
