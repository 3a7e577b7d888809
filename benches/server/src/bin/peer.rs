//! socketioxide on axum and hyper, on one thread: what this peer's users write, with Nagle's algorithm off as in ours.
//!
//! `peer PORT PAGE`: `PAGE` is a file, which is what `/` answers.

use std::process::ExitCode;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use socketioxide::SocketIo;
use socketioxide::extract::{Data, SocketRef};
use tokio::net::TcpListener;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [port, page] = args.as_slice() else {
        eprintln!("peer: usage: peer PORT PAGE");
        return ExitCode::from(2);
    };
    match serve(port, page) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peer: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(port: &str, page: &str) -> Result<(), Box<dyn std::error::Error>> {
    let page = std::fs::read_to_string(page)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (layer, io) = SocketIo::builder().max_payload(1_000_000).max_buffer_size(1024).build_layer();
        io.ns("/", async |socket: SocketRef| {
            socket.on("echo", async |socket: SocketRef, Data::<String>(text)| {
                if socket.emit("echo", &text).is_err() {
                    let _ = socket.disconnect();
                }
            });
            socket.on("all", async |io: SocketIo, Data::<String>(text)| {
                let _ = io.emit("all", &text).await;
            });
        });
        let app = Router::new()
            .route("/", get(move || async move { Html(page.clone()) }))
            .route("/static/hello.txt", get(async || "hello\n"))
            .layer(layer);
        let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        axum::serve(listener, app).await?;
        Ok(())
    })
}
