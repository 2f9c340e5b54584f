//! What a user sees while it lasts.

use std::io::{IsTerminal, Write, stderr};
use std::thread;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar, on a terminal; hidden elsewhere.
pub(crate) fn bar() -> ProgressBar {
    if !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = "[{bar:30}] {pos} of {len} runs, {eta} left: {msg}";
    let style = ProgressStyle::with_template(template).map(|it| it.progress_chars("=> "));
    let bar = ProgressBar::new(0);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// Ends the program at Ctrl-C, with the bar gone: half of the rounds are no figures.
pub(crate) fn end_at_ctrl_c(bar: ProgressBar) {
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let Ok(runtime) = runtime else { return };
        if runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
            bar.finish_and_clear();
            let _ = writeln!(
                stderr(),
                "stacked_throughput: interrupted, so there are no figures"
            );
            std::process::exit(130);
        }
    });
}
