//! What other tasks ask of a connection.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::broadcast;

use super::task::Progress;
use crate::{End, Limits, Notice, Stack};

/// How many notices wait for each of those who watch.
const NOTICES: usize = 64;

/// Something that another task has asked for. It is run until it says that it is done.
pub(super) struct Errand {
    run: Box<Run>,
    /// It has not begun, and waits for those before it.
    in_line: bool,
    asker: Weak<Asker>,
}

/// Whoever waits for an errand. Dropped before that is done, it takes it back.
#[derive(Default)]
pub(super) struct Asker;

pub(super) type Run = dyn FnMut(&mut Stack) -> Progress<()> + Send + Sync;

impl Errand {
    /// A change, which waits for those that were asked for before it.
    pub(super) fn in_line(asker: &Arc<Asker>, run: Box<Run>) -> Self {
        Self {
            run,
            in_line: true,
            asker: Arc::downgrade(asker),
        }
    }

    /// What waits for nobody: a look, or what others may wait for.
    pub(super) fn at_once(asker: &Arc<Asker>, run: Box<Run>) -> Self {
        Self {
            run,
            in_line: false,
            asker: Arc::downgrade(asker),
        }
    }

    fn is_taken_back(&self) -> bool {
        self.asker.strong_count() == 0
    }
}

/// Where errands wait until whoever drives the connection takes them.
pub(super) struct Mail {
    /// Asked at every poll, so it is not behind the lock.
    waiting: AtomicBool,
    state: Mutex<State>,
}

enum State {
    Open {
        posted: Vec<Errand>,
        notices: broadcast::Sender<Notice>,
    },
    /// The connection is over.
    Closed,
}

impl Mail {
    fn new() -> Self {
        let state = State::Open {
            posted: Vec::new(),
            notices: broadcast::Sender::new(NOTICES),
        };
        Self {
            waiting: AtomicBool::new(false),
            state: Mutex::new(state),
        }
    }

    /// Leaves an errand for whoever drives. If nobody does any more, it is run at once, on a stack
    /// that is over, so that it tells its asker so.
    pub(super) fn post(&self, errand: Errand) {
        match &mut *self.lock() {
            State::Open { posted, .. } => {
                // While nobody drives, those that were taken back must not pile up.
                posted.retain(|errand| !errand.is_taken_back());
                posted.push(errand);
                self.waiting.store(true, Ordering::SeqCst);
                return;
            }
            State::Closed => {}
        }
        refuse(vec![errand]);
    }

    fn take(&self) -> Vec<Errand> {
        let mut state = self.lock();
        self.waiting.store(false, Ordering::SeqCst);
        match &mut *state {
            State::Open { posted, .. } => std::mem::take(posted),
            State::Closed => Vec::new(),
        }
    }

    fn publish(&self, news: Vec<Notice>) {
        if let State::Open { notices, .. } = &*self.lock() {
            for notice in news {
                // An error says that nobody watches.
                let _ = notices.send(notice);
            }
        }
    }

    pub(super) fn subscribe(&self) -> Option<broadcast::Receiver<Notice>> {
        match &*self.lock() {
            State::Open { notices, .. } => Some(notices.subscribe()),
            State::Closed => None,
        }
    }

    /// The connection is over: whoever waits, or will, is told so.
    fn close(&self) {
        let before = std::mem::replace(&mut *self.lock(), State::Closed);
        if let State::Open { posted, .. } = before {
            refuse(posted);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The driver's end of the mail: the errands that it has taken and not finished. Dropped with the
/// driver, however that goes, it tells all who wait that the connection is over.
#[derive(Default)]
pub(super) struct Mailbox {
    /// None as long as nobody has asked for a handle.
    mail: Option<Arc<Mail>>,
    errands: Vec<Errand>,
}

impl Mailbox {
    /// What a handle needs.
    pub(super) fn mail(&mut self) -> Arc<Mail> {
        Arc::clone(self.mail.get_or_insert_with(|| Arc::new(Mail::new())))
    }

    /// Whether anybody has ever asked for a handle.
    #[inline]
    pub(super) fn has_handle(&self) -> bool {
        self.mail.is_some()
    }

    /// Whether something was asked for that has not been looked at.
    pub(super) fn has_new(&self) -> bool {
        let mail = self.mail.as_ref();
        mail.is_some_and(|mail| mail.waiting.load(Ordering::SeqCst))
    }

    /// Whether nothing is there to be done.
    pub(super) fn is_empty(&self) -> bool {
        self.errands.is_empty() && !self.has_new()
    }

    /// Gets on with what was asked for. Whether anything got further.
    pub(super) fn run(&mut self, stack: &mut Stack) -> bool {
        let Some(mail) = &self.mail else { return false };
        if self.has_new() {
            let new = mail.take();
            self.errands.extend(new);
        }
        run(&mut self.errands, stack)
    }

    /// Tells those who watch what has changed.
    pub(super) fn publish(&self, stack: &mut Stack) {
        if let Some(mail) = &self.mail {
            let news = stack.take_notices();
            if !news.is_empty() {
                mail.publish(news);
            }
        }
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        if let Some(mail) = &self.mail {
            refuse(std::mem::take(&mut self.errands));
            mail.close();
        }
    }
}

/// Runs errands in the order in which they were asked for: one that has to wait holds up those
/// behind it that have not begun. Those that are done go. Whether any got further.
fn run(errands: &mut Vec<Errand>, stack: &mut Stack) -> bool {
    let (mut held_up, mut got_further) = (false, false);
    errands.retain_mut(|errand| {
        if errand.is_taken_back() {
            return false;
        }
        if held_up && errand.in_line {
            return true;
        }
        match (errand.run)(stack) {
            Progress::Waiting => held_up |= errand.in_line,
            Progress::Begun => got_further |= std::mem::take(&mut errand.in_line),
            Progress::Done(()) => {
                got_further = true;
                return false;
            }
        }
        true
    });
    got_further
}

/// Runs errands on a stack that is over.
fn refuse(mut errands: Vec<Errand>) {
    if !errands.is_empty() {
        let mut over = Stack::new(Limits::default());
        over.close(End::Clean);
        run(&mut errands, &mut over);
    }
}
