//! A mailbox, which outlives the sessions of its server.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The mails that all sessions of a server see. A clone is the same mailbox.
#[derive(Clone, Debug)]
pub struct Mailbox(Arc<Mutex<Mails>>);

impl Mailbox {
    /// One with these mails in it.
    pub fn new<M: Into<Vec<u8>>>(mails: impl IntoIterator<Item = M>) -> Self {
        let mailbox = Self(Arc::default());
        for mail in mails {
            mailbox.lock().append(Vec::new(), mail.into());
        }
        mailbox
    }

    /// What the mails consist of, the oldest first.
    pub fn contents(&self) -> Vec<Vec<u8>> {
        let mails = self.lock();
        mails
            .mails
            .iter()
            .map(|mail| mail.content.clone())
            .collect()
    }

    /// Takes those behind the first `n` out of it, into one of their own.
    pub fn split_off(&self, n: usize) -> Self {
        let mails = self.lock().mails.split_off(n);
        Self::new(mails.into_iter().map(|mail| mail.content))
    }

    /// For as long as it takes to answer one command.
    pub(super) fn lock(&self) -> MutexGuard<'_, Mails> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Mails, and how many there ever were.
#[derive(Debug, Default)]
pub(super) struct Mails {
    mails: Vec<Mail>,
    latest: usize,
}

/// A mail.
#[derive(Debug)]
pub(super) struct Mail {
    /// Never given to another.
    pub(super) uid: usize,
    /// As the client calls them.
    pub(super) flags: Vec<String>,
    /// As it came.
    pub(super) content: Vec<u8>,
}

impl Mail {
    pub(super) fn is_deleted(&self) -> bool {
        self.flags.iter().any(|flag| flag == r"\Deleted")
    }
}

impl Mails {
    pub(super) fn len(&self) -> usize {
        self.mails.len()
    }

    /// The uid that the next mail will have.
    pub(super) fn next_uid(&self) -> usize {
        self.latest + 1
    }

    /// Puts a mail into it, whose uid is the answer.
    pub(super) fn append(&mut self, flags: Vec<String>, content: Vec<u8>) -> usize {
        self.latest += 1;
        let uid = self.latest;
        self.mails.push(Mail {
            uid,
            flags,
            content,
        });
        uid
    }

    /// The mails that are meant, with their numbers.
    pub(super) fn chosen(&mut self, which: &Which) -> Vec<(usize, &mut Mail)> {
        let (last, last_uid) = (self.len(), self.mails.last().map_or(0, |mail| mail.uid));
        let mails = self.mails.iter_mut().enumerate();
        let mails = mails.map(|(index, mail)| (index + 1, mail));
        mails
            .filter(|(number, mail)| match which {
                Which::Numbers(set) => holds(set, *number, last),
                Which::Uids(set) => holds(set, mail.uid, last_uid),
            })
            .collect()
    }

    /// Removes those of the mails meant that are deleted. The answer is their numbers, the last one
    /// first, so that each is true when it is said.
    pub(super) fn expunge(&mut self, which: &Which) -> Vec<usize> {
        let chosen = self.chosen(which).into_iter();
        let deleted = chosen.filter(|(_, mail)| mail.is_deleted());
        let numbers: Vec<_> = deleted.map(|(number, _)| number).rev().collect();
        for number in &numbers {
            self.mails.remove(number - 1);
        }
        numbers
    }
}

/// Which mails a command means: sets like `1,3:5,7:*`.
#[derive(Debug)]
pub(super) enum Which {
    Numbers(String),
    Uids(String),
}

/// Whether a set holds `n`, where `*` stands for `last`.
fn holds(set: &str, n: usize, last: usize) -> bool {
    let number = |text: &str| match text {
        "*" => last,
        text => text.parse().unwrap_or(0),
    };
    set.split(',').any(|part| {
        let (from, to) = part.split_once(':').unwrap_or((part, part));
        let (from, to) = (number(from), number(to));
        (from.min(to)..=from.max(to)).contains(&n)
    })
}
