//! Being asked to stop, for work that must still put something in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context as _;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// Notes SIGINT, SIGTERM and SIGHUP instead of ending the program.
#[derive(Debug)]
pub struct Interrupt(Arc<AtomicUsize>);

impl Interrupt {
    /// Notes signals from here on.
    pub fn watch() -> anyhow::Result<Self> {
        let noted = Arc::new(AtomicUsize::new(0));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            let number = usize::try_from(signal).context("watching for signals")?;
            signal_hook::flag::register_usize(signal, Arc::clone(&noted), number)
                .context("watching for signals")?;
        }
        Ok(Self(noted))
    }

    /// The exit code of the last signal that came since the last call: 128 and its number.
    pub fn taken(&self) -> Option<u8> {
        let signal = u8::try_from(self.0.swap(0, Ordering::Relaxed)).ok()?;
        (signal > 0).then_some(128 + signal)
    }
}
