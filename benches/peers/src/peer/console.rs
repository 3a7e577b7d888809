//! console-subscriber, with its server but nobody attached. Without the filter that its `spawn` puts before it: as in the
//! figures it is usually compared by, it sees every span and is asked of each whether it is one of tokio's.

use console_subscriber::ConsoleLayer;
use tracing_subscriber::layer::SubscriberExt as _;

use super::{Delivered, Recorder, floor};

struct Console;

pub fn start() -> Box<dyn Recorder> {
    let (layer, server) = ConsoleLayer::builder().server_addr(([127, 0, 0, 1], 0)).build();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    std::thread::spawn(move || {
        let quiet = tracing::subscriber::set_default(tracing::subscriber::NoSubscriber::default());
        let served = runtime.block_on(server.serve());
        drop(quiet);
        served.expect("it serves")
    });
    floor::set(tracing_subscriber::registry().with(layer));
    Box::new(Console)
}

impl Recorder for Console {
    fn delivered(&mut self) -> Delivered {
        // It looks at every span and keeps those of tokio's tasks and resources, of which there is none here.
        Delivered { spans: Some(0), ..Delivered::default() }
    }
}
