//! The application: what a file of `@socketio.on(…)` handlers is to Flask-SocketIO. It is a small chat, and whatever a
//! protocol's own test suites ask of a server.

use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, info_span, instrument};

use super::call::call;
use super::engineio::Options;
use super::socketio::args::Args;
use super::socketio::handlers::{HandlerError, Handlers};
use super::socketio::server::Server;
use super::socketio::socket::Socket;

/// A server with the namespaces `/` and `/custom`, both with the same handlers.
pub(super) fn server(options: &Options) -> Arc<Server> {
    let ack_timeout = options.ack_timeout;
    let mut handlers = Handlers::default();
    handlers
        .on_connect(on_connect)
        .on_disconnect(on_disconnect)
        .on("message", on_message)
        .on("message-with-ack", on_message_with_ack)
        .on("emit-with-ack", move |socket, args| on_emit_with_ack(socket, args, ack_timeout))
        .on("echo", on_echo)
        .on("join", on_join)
        .on("leave", on_leave)
        .on("room", on_room)
        .on("all", on_all)
        .on("kick", on_kick)
        .on_error(|_, event, _| debug!(event, "a handler failed"));
    Server::new(["/", "/custom"].map(|namespace| (namespace.into(), handlers.clone())), options.connect_timeout)
}

/// Tells the client with what it has authenticated itself. It is not recorded.
#[instrument(skip_all, fields(reason = "room in the queue"))]
async fn on_connect(socket: Socket, auth: Args) -> Result<(), HandlerError> {
    socket.emit("auth", &auth).await?;
    Ok(())
}

#[instrument(skip_all, fields(why))]
async fn on_disconnect(_: Socket, reason: Args) -> Result<(), HandlerError> {
    tracing::Span::current().record("why", reason.get::<String>()?);
    Ok(())
}

/// The same arguments back, as another event.
async fn on_message(socket: Socket, args: Args) -> Result<(), HandlerError> {
    let span = info_span!("on_message", args = args.told(), reason = "room in the queue");
    Ok(call(&span, socket.emit("message-back", &args)).await?)
}

/// The same arguments back, as the ack.
#[instrument(skip_all, fields(args = args.told()))]
async fn on_message_with_ack(_: Socket, args: Args) -> Args {
    args
}

/// Asks the client for an ack, and sends back what it carries.
#[instrument(skip_all, fields(args = args.told(), reason = "the client's ack"))]
async fn on_emit_with_ack(socket: Socket, args: Args, within: Option<Duration>) -> Result<(), HandlerError> {
    let answer = socket.call("emit-with-ack", &args, within).await?;
    socket.emit("emit-with-ack", &answer).await?;
    Ok(())
}

async fn on_echo(socket: Socket, args: Args) -> Result<(), HandlerError> {
    let span = info_span!("on_echo", args = args.told(), reason = "room in the queue");
    Ok(call(&span, socket.emit("echo", &args)).await?)
}

#[instrument(skip_all, fields(room))]
async fn on_join(socket: Socket, args: Args) -> Result<Args, HandlerError> {
    let room: String = args.get()?;
    tracing::Span::current().record("room", &*room);
    socket.join_room(&room);
    Ok(Args::of("ok")?)
}

#[instrument(skip_all, fields(room))]
async fn on_leave(socket: Socket, args: Args) -> Result<Args, HandlerError> {
    let room: String = args.get()?;
    tracing::Span::current().record("room", &*room);
    socket.leave_room(&room);
    Ok(Args::of("ok")?)
}

/// Something for the others in a room.
#[instrument(skip_all, fields(room, args = args.told(), reason = "room in the queues"))]
async fn on_room(socket: Socket, args: Args) -> Result<(), HandlerError> {
    let (room, rest) = args.split_first()?;
    let room: String = room.get()?;
    tracing::Span::current().record("room", &*room);
    socket.emit_to(&room, "room", &rest).await;
    Ok(())
}

/// Something for everybody.
#[instrument(skip_all, fields(args = args.told(), reason = "room in the queues"))]
async fn on_all(socket: Socket, args: Args) {
    socket.broadcast("all", &args).await;
}

/// The client asks to be thrown out.
#[instrument(skip_all)]
async fn on_kick(socket: Socket, _: Args) {
    socket.disconnect().await;
}
