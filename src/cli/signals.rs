//! SIGINT, SIGTERM, SIGHUP: end in good order, on a thread of their own; and if that takes too long, end. Or end at once, as
//! without us, but for what is put away first.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::complain;
use crate::tui;

/// For who has nothing to wait for.
pub(super) const AT_ONCE: Duration = Duration::from_secs(2);
/// How much longer than what is waited for a process may take to end in good order.
const AND_A_LITTLE: Duration = Duration::from_millis(1_500);
/// How long it may take at the second signal.
const LEAVE_NOW: Duration = Duration::from_millis(300);

/// Calls `end` at every signal that asks the process to end, which is given this time and a little more. The flag is set before the first call. Whatever is stuck then,
/// in a handler that blocks or in a write to a pipe that nobody reads, the process ends: after a limit, or soon after a
/// second signal.
pub(super) fn on_end(within: Duration, end: impl Fn() + Send + 'static) -> anyhow::Result<Arc<AtomicBool>> {
    let asked = Arc::new(AtomicBool::new(false));
    let handle = {
        let asked = asked.clone();
        move || {
            let is_first = !asked.swap(true, Ordering::AcqRel);
            end();
            leave_after(if is_first { within + AND_A_LITTLE } else { LEAVE_NOW });
        }
    };
    #[cfg(unix)]
    {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        let watch = move || signals.forever().for_each(|_| handle());
        std::thread::Builder::new().name("signals".to_owned()).spawn(watch)?;
    }
    #[cfg(not(unix))]
    {
        use signal_hook::consts::{SIGINT, SIGTERM};
        let raised = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, raised.clone())?;
        }
        let watch = move || {
            loop {
                std::thread::sleep(Duration::from_millis(100));
                if raised.swap(false, Ordering::AcqRel) {
                    handle();
                }
            }
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(watch)?;
    }
    Ok(asked)
}

/// Calls `last` when Ctrl-C or `kill` ends the process, which it does as if nobody had asked. Not at SIGHUP: under `nohup` that ends
/// nothing.
pub(super) fn before_end(last: impl Fn() + Send + 'static) -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        use signal_hook::consts::{SIGINT, SIGTERM};
        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
        let watch = move || {
            for signal in signals.forever() {
                last();
                let _ = signal_hook::low_level::emulate_default_handler(signal);
            }
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(watch)?;
    }
    #[cfg(not(unix))]
    drop(last);
    Ok(())
}

/// Ends the process after this time, if it has not ended by itself.
fn leave_after(this_long: Duration) {
    let leave = move || {
        std::thread::sleep(this_long);
        tui::restore();
        complain("left without waiting for what was still under way");
        std::process::exit(0);
    };
    let _ = std::thread::Builder::new().name("leave".to_owned()).spawn(leave);
}
