//! Threads that stay where they are.

use std::thread::JoinHandle;

/// Binds the calling thread to a processor, if the machine has that many.
pub fn pin(processor: usize) {
    if let Some(ids) = core_affinity::get_core_ids() {
        core_affinity::set_for_current(ids[processor % ids.len()]);
    }
}

/// Runs `work` on a thread of its own with a runtime of its own, on `processor`.
pub fn on_thread<F, T>(processor: usize, work: impl FnOnce() -> F + Send + 'static) -> JoinHandle<T>
where
    F: Future<Output = T>,
    T: Send + 'static,
{
    std::thread::spawn(move || {
        pin(processor);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(work())
    })
}
