//! A layer with all the habits that a layer can have, and every way of getting one of them wrong.

use std::any::{Any, TypeId};
use std::time::Duration;

use stack::{Chunk, Context, Error, Exit, Layer, Protocol, Readiness, Standing, Transport};

/// What is wrong with a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Nothing,
    SaysItTookMore,
    DecodesBeforeItTakes,
    LosesAByte,
    DoublesAByte,
    SendsOwnedBytesInClear,
    TakesHalfARecord,
    CountsOnAWholeHeader,
    DropsWhatComesWithTheHello,
    FlushesNothing,
    FlushesAllButAnOddByte,
    ForgetsAFlushBeforeItWasUp,
    FinishesWithoutWhatIsStaged,
    SendsNoEndMark,
    TellsOfNoEndMark,
    TakesWhatFollowsTheEndMark,
    LeavesTheEndMark,
    TakesAnyEndForAnEnd,
    RefusesWhatItSends,
    TrustsALength,
    HidesWhatItHolds,
    HoldsBackForEver,
    StagesForEver,
    StagesForEverInTheHandshake,
    MakesWhatNobodyWants,
    IsNeverUp,
    DropsWhatIsWrittenInTheHandshake,
    GoesOnWhereItLeft,
    ClosesBothHalves,
    PausesForEver,
    WakesForEver,
    SaysJunkInTime,
    DropsInTime,
    PanicsInTime,
    TellsAnything,
    StandsOnlyAboveWhatIsUp,
    SaysItMayLeaveAnytime,
    Allocates,
}

use Fault::*;

/// The most bytes of a record's body.
const BODY: usize = 1000;

/// The most bytes of a record.
pub(crate) const RECORD: usize = 2 + BODY;

/// In a record's header: the body is one byte, so many times.
const RUN: u16 = 0x8000;

const HELLO: &[u8; 2] = b"hi";

/// Records behind a hello: a length of two bytes and a body, or a length and the one byte that the
/// body consists of. A length of zero is the end mark. What is written is staged until a record is
/// full, or a flush.
pub(crate) struct Records {
    fault: Fault,
    greeted: bool,
    marked: bool,
    staged: Vec<u8>,
}

impl Records {
    pub(crate) fn new(fault: Fault) -> Self {
        Self {
            fault,
            greeted: false,
            marked: false,
            staged: Vec::new(),
        }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    /// Sends what is staged in records: the full ones, or all.
    fn seal(&mut self, cx: &mut Context<'_>, all: bool) {
        let mut sealed = 0;
        for body in self.staged.chunks(BODY) {
            if body.len() < BODY && !all {
                break;
            }
            sealed += body.len();
            let mut record = [0; RECORD];
            let alike = body.iter().all(|byte| *byte == body[0]);
            let header = body.len() as u16 | if alike { RUN } else { 0 };
            let body = if alike { &body[..1] } else { body };
            record[..2].copy_from_slice(&header.to_be_bytes());
            for (to, byte) in record[2..].iter_mut().zip(body) {
                *to = byte ^ 0x55;
            }
            cx.send(&mut record[..2 + body.len()]);
        }
        self.staged.drain(..sealed);
    }

    /// Hands on the first record of `bytes`, and says how many bytes it has; none if it is not whole.
    fn open(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        let least = if self.has(CountsOnAWholeHeader) { 1 } else { 2 };
        if bytes.len() < least {
            return Ok(0);
        }
        let header = u16::from_be_bytes([bytes[0], bytes[1]]);
        let (len, run) = (usize::from(header & !RUN), header & RUN != 0);
        if len == 0 {
            self.marked = true;
            if !self.has(TellsOfNoEndMark) {
                cx.end_mark();
            }
            return Ok(match self.fault {
                TakesWhatFollowsTheEndMark => bytes.len(),
                LeavesTheEndMark => 0,
                _ => 2,
            });
        }
        let trusts = self.has(TrustsALength);
        if (len > BODY && !trusts) || (self.has(RefusesWhatItSends) && len == BODY) {
            return Err(Error::remote("a record that is too long"));
        }
        let whole = 2 + if run { 1 } else { len };
        if bytes.len() < whole {
            if self.has(DecodesBeforeItTakes) {
                bytes[2..].iter_mut().for_each(|byte| *byte ^= 0x55);
            }
            return Ok(if self.has(TakesHalfARecord) {
                bytes.len()
            } else {
                0
            });
        }
        if !self.has(MakesWhatNobodyWants) && !cx.wanted() {
            if self.has(PausesForEver) {
                cx.pause(true);
            }
            return Ok(0);
        }
        let body = &mut bytes[2..whole];
        body.iter_mut().for_each(|byte| *byte ^= 0x55);
        match (run, self.fault) {
            (_, LosesAByte) if len > 2 => cx.deliver(&mut body[1..]),
            (_, DoublesAByte) if len > 2 => {
                cx.deliver(&mut [body[0]]);
                cx.deliver(body);
            }
            (false, Allocates) => cx.deliver(&mut body.to_vec()),
            (false, _) => cx.deliver(body),
            (true, _) => cx.deliver(&mut [body[0]; BODY][..len]),
        }
        Ok(whole)
    }
}

impl Protocol for Records {
    fn attached(&mut self, cx: &mut Context<'_>, at: &Standing) -> Result<Readiness, Error> {
        if self.has(StandsOnlyAboveWhatIsUp) && !at.up {
            return Err(Error::local("what is below is not up"));
        }
        if !self.has(GoesOnWhereItLeft) {
            *self = Self::new(self.fault);
        }
        cx.send(HELLO);
        Ok(Readiness::Handshaking)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        let mut taken = 0;
        if !self.greeted {
            if bytes.len() < HELLO.len() {
                return Ok(0);
            }
            if &bytes[..2] != HELLO {
                return Err(Error::remote("no hello"));
            }
            self.greeted = true;
            taken = 2;
            if !self.has(IsNeverUp) {
                cx.up();
                if !self.has(ForgetsAFlushBeforeItWasUp) {
                    self.seal(cx, true);
                }
            }
            if self.has(DropsWhatComesWithTheHello) {
                return Ok(bytes.len());
            }
        }
        while !self.marked || self.has(TellsOfNoEndMark) {
            match self.open(cx, &mut bytes[taken..])? {
                0 => break,
                n => taken += n,
            }
        }
        Ok(taken + usize::from(self.has(SaysItTookMore) && taken == bytes.len() && taken > 2))
    }

    fn end_received(&mut self, _: &mut Context<'_>) -> Result<(), Error> {
        match self.fault {
            TakesAnyEndForAnEnd | TellsOfNoEndMark => Ok(()),
            _ => Err(Error::truncated("no end mark")),
        }
    }

    fn timed_out(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        match self.fault {
            SaysJunkInTime => cx.send(b"junk"),
            DropsInTime => self.staged.clear(),
            PanicsInTime => panic!("its time has come"),
            _ => cx.wake_at(Some(cx.now())),
        }
        Ok(())
    }
}

impl Transport for Records {
    fn send(&mut self, cx: &mut Context<'_>, mut chunk: Chunk<'_>) -> Result<(), Error> {
        if self.has(ClosesBothHalves) && self.marked {
            return Err(Error::local("it is closed"));
        }
        if matches!(
            self.fault,
            WakesForEver | SaysJunkInTime | DropsInTime | PanicsInTime
        ) {
            cx.wake_at(Some(cx.now() + Duration::from_secs(30)));
        }
        if self.has(SendsOwnedBytesInClear) && chunk.owned_mut().is_some() && self.greeted {
            cx.send(chunk);
            return Ok(());
        }
        if self.greeted || !self.has(DropsWhatIsWrittenInTheHandshake) {
            self.staged.extend_from_slice(chunk.as_slice());
        }
        if self.greeted && !self.has(StagesForEver) {
            self.seal(cx, false);
        }
        // In its handshake it can send nothing.
        let enough = self.staged.len() >= 16 * BODY || self.has(HoldsBackForEver);
        let greets = !self.greeted && self.has(StagesForEverInTheHandshake);
        cx.hold_back(enough && !greets && !self.has(StagesForEver));
        Ok(())
    }

    fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if self.greeted {
            let odd = self.has(FlushesAllButAnOddByte) && self.staged.len() % 2 == 1;
            let kept = if odd { self.staged.pop() } else { None };
            if !self.has(FlushesNothing) {
                self.seal(cx, true);
            }
            self.staged.extend(kept);
            cx.hold_back(self.has(HoldsBackForEver));
        }
        Ok(())
    }

    fn finish(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if !self.has(FinishesWithoutWhatIsStaged) {
            self.seal(cx, true);
        }
        if !self.has(SendsNoEndMark) {
            cx.send(&[0, 0]);
        }
        Ok(())
    }
}

impl Layer for Records {
    fn exit(&self) -> Exit {
        match self.fault {
            SaysItMayLeaveAnytime => Exit::Anytime,
            _ => Exit::Marked,
        }
    }

    fn held(&self) -> usize {
        match self.fault {
            HidesWhatItHolds => 0,
            _ => self.staged.len(),
        }
    }

    fn info(&self, wanted: TypeId) -> Option<&dyn Any> {
        let knows = wanted == TypeId::of::<Fault>() || self.has(TellsAnything);
        knows.then_some(&self.fault)
    }
}
