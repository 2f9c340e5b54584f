//! The spans between two changes of the stack.

/// A span between two changes of the stack, in one direction, and the layers that stood in it.
///
/// Bytes are stamped with their epoch when they are decoded (inbound) or written (outbound), so a
/// byte that was protected when it came stays known as such however late it is read. Only what is
/// fed to a new layer as residue counts as that layer's from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    number: u64,
    layers: Vec<String>,
}

impl Epoch {
    pub(crate) fn new(number: u64, layers: Vec<String>) -> Self {
        Self { number, layers }
    }

    /// Counts the changes in this direction since the connection began.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The names of the layers that the bytes of this epoch crossed, lowest first.
    pub fn layers(&self) -> impl ExactSizeIterator<Item = &str> {
        self.layers.iter().map(String::as_str)
    }
}

/// Inbound epochs: the present one, and who stood in those of which bytes still wait.
#[derive(Debug, Default)]
pub(crate) struct Epochs {
    pub(crate) present: u64,
    /// Layers that bytes of an epoch before the present one have crossed, and that have left.
    departed: Vec<Departed>,
}

#[derive(Debug)]
struct Departed {
    name: String,
    /// How high it stood among those that stand and those that left before it.
    place: usize,
    /// From the first of these epochs to before the second, bytes crossed it.
    from: u64,
    until: u64,
}

impl Epochs {
    /// A layer leaves whose first epoch was `from`; bytes of before `until` that crossed it still
    /// wait.
    pub(crate) fn remember(&mut self, name: &str, place: usize, from: u64, until: u64) {
        self.departed.push(Departed {
            name: name.to_owned(),
            place,
            from,
            until,
        });
    }

    /// No byte of before `oldest` waits any more.
    pub(crate) fn forget_before(&mut self, oldest: u64) {
        self.departed.retain(|layer| layer.until > oldest);
    }

    /// The epoch `number`, given the layers that stand, from which epoch on, lowest first.
    pub(crate) fn describe<'a>(
        &self,
        number: u64,
        standing: impl Iterator<Item = (&'a str, u64)>,
    ) -> Epoch {
        let mut layers: Vec<Option<&str>> = standing
            .map(|(name, from)| (from <= number).then_some(name))
            .collect();
        // The last to leave goes back first, so that each finds the places as it left them.
        for layer in self.departed.iter().rev() {
            let crossed = layer.from <= number && number < layer.until;
            layers.insert(
                layer.place.min(layers.len()),
                crossed.then_some(&layer.name),
            );
        }
        Epoch::new(
            number,
            layers.into_iter().flatten().map(str::to_owned).collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_of_the_past_names_who_stood_then() {
        let mut epochs = Epochs {
            present: 4,
            ..Epochs::default()
        };
        // tls (from 1) and zstd (from 2) stood; tls left at 3, zstd at 4, and `new` came at 4.
        epochs.remember("tls", 0, 1, 3);
        epochs.remember("zstd", 0, 2, 4);
        let names = |number| {
            let epoch = epochs.describe(number, [("new", 4)].into_iter());
            epoch.layers().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            [0, 1, 2, 3, 4].map(names),
            ["", "tls", "tls zstd", "zstd", "new"]
        );
    }
}
