//! The tests of `tests/it` once more, with layers that export keys.

#[path = "it/certificates.rs"]
mod certificates;
#[path = "it/choose.rs"]
mod choose;
#[path = "it/flights.rs"]
mod flights;
#[path = "it/forged.rs"]
mod forged;
#[path = "it/forger.rs"]
mod forger;
#[path = "it/handshake.rs"]
mod handshake;
#[path = "it/hostile.rs"]
mod hostile;
#[path = "it/keys.rs"]
mod keys;
#[path = "it/kit.rs"]
mod kit;
#[path = "it/pop.rs"]
mod pop;
#[path = "it/resumption.rs"]
mod resumption;

const EXPORTS: bool = true;
