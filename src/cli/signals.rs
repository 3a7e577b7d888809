//! SIGINT, SIGTERM, SIGHUP: end in good order, on a thread of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Calls `end` at every signal that asks the process to end. The flag is set before the first call.
pub(super) fn on_end(end: impl Fn() + Send + 'static) -> anyhow::Result<Arc<AtomicBool>> {
    let asked = Arc::new(AtomicBool::new(false));
    #[cfg(unix)]
    {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        let asked = asked.clone();
        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for _ in signals.forever() {
                asked.store(true, Ordering::Release);
                end();
            }
        })?;
    }
    #[cfg(not(unix))]
    {
        use signal_hook::consts::{SIGINT, SIGTERM};
        let raised = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, raised.clone())?;
        }
        let asked = asked.clone();
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            loop {
                std::thread::sleep(std::time::Duration::from_millis(100));
                if raised.swap(false, Ordering::AcqRel) {
                    asked.store(true, Ordering::Release);
                    end();
                }
            }
        })?;
    }
    Ok(asked)
}
