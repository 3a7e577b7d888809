//! The pages as parts of the program. A test holds this table to the directory.

macro_rules! pages {
    ($($file:literal)*) => {
        &[$(($file, include_str!(concat!("../../walkthrough/", $file)))),*]
    };
}

/// File name and text, in the order of the names.
pub(super) const PAGES: &[(&str, &str)] = pages! {
    "00-about.md"
    "01-run.md"
    "02-new.md"
    "03-serve-forever.md"
    "04-start.md"
    "05-pywsgi-init-socket.md"
    "06-stream-server-init-socket.md"
    "07-get-listener.md"
    "08-tcp-listener.md"
    "09-update-environ.md"
    "10-getfqdn.md"
    "11-socketcommon-gethostbyaddr.md"
    "12-resolver-gethostbyaddr.md"
    "13-apply.md"
    "14-spawn.md"
    "15-get.md"
    "16-hub-run.md"
    "17-loop-run.md"
    "18-loop-poll.md"
    "19-worker-run-task.md"
    "20-on-async.md"
    "21-run-callbacks.md"
    "22-start-accepting.md"
    "23-wait.md"
    "24-do-read.md"
    "25-handle.md"
    "26-handle-one-request.md"
    "27-app.md"
    "28-engineio-handle-request.md"
    "29-engineio-handle-connect.md"
    "30-upgrade-websocket.md"
    "31-handle-event-internal.md"
    "32-socketio-emit.md"
    "33-send-ping.md"
    "34-stop.md"
    "35-close.md"
    "36-drain.md"
    "37-resolver-block.md"
    "38-slow-dns.md"
    "39-block-handler.md"
    "40-tokio-console.md"
};
