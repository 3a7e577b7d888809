//! What clients may do with themselves: come, say something, and go or vanish in one of many ways.

use std::io::Write as _;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use super::client::Client;
use super::engine::Transport::{Polling, WebSocket};
use super::engine::{ECHO, Engine, SOCKETIO, Socket, Way, text};
use super::http::{Http, connect};

/// The lives of a client. The number tells one from another, and varies it.
pub const LIVES: [fn(SocketAddr, usize); 9] = [
    // Vanishes by polling, without a word; only the heartbeat finds out.
    |address, number| echoes(&mut Engine::open_at(address, ECHO, Polling), number),
    // Is reset by WebSocket.
    |address, number| {
        let mut session = Engine::open_at(address, ECHO, WebSocket);
        echoes(&mut session, number);
        reset(session.socket().socket.get_ref());
    },
    // Upgrades, and says good-bye.
    |address, number| {
        let mut session = Engine::open_at(address, ECHO, Polling);
        let mut socket = session.second();
        socket.send(&text("2probe"));
        assert_eq!(socket.next(), text("3probe"));
        socket.send(&text("5"));
        session.way = Way::WebSocket(Box::new(socket));
        echoes(&mut session, number);
        session.socket().write_frame(0x88, &[3, 232]);
    },
    // Breaks an upgrade off, goes on by polling, and closes.
    |address, number| {
        let mut session = Engine::open_at(address, ECHO, Polling);
        let mut socket: Socket = session.second();
        if number.is_multiple_of(2) {
            socket.send(&text("2probe"));
        }
        reset(socket.socket.get_ref());
        session.send_unasked(&[text("1")]);
    },
    // Has a poll under way when it vanishes, and comes again at once.
    |address, number| {
        for _ in 0..2 {
            let mut session = Engine::open_at(address, SOCKETIO, Polling);
            let target = session.target(Polling);
            session.polling().polls.send("GET", &target, &[], b"");
        }
        echoes(&mut Engine::open_at(address, ECHO, WebSocket), number);
    },
    // Chats, and is cut.
    |address, number| {
        let way = if number.is_multiple_of(2) { WebSocket } else { Polling };
        let mut client = Client::on(Engine::open_at(address, SOCKETIO, way), "40");
        client.enter(&format!("room-{}", number % 7));
        client.say(&format!("42[\"room\",\"room-{}\",{number}]", (number + 1) % 7));
    },
    // Never ends its headers, or its body.
    |address, number| {
        let mut stream = connect(address);
        let _ = stream
            .write_all(["GET / HT", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n4"][number % 2].as_bytes());
        if number.is_multiple_of(3) {
            reset(&stream);
        }
    },
    // Breaks the rules.
    |address, _| {
        let mut session = Engine::open_at(address, SOCKETIO, WebSocket);
        session.send(text("42nonsense"));
        let _ = session.rest("nonsense");
    },
    // Is a browser.
    |address, _| {
        let mut http = Http::connect(address);
        for path in ["/", "/static/chat.js", "/nowhere"] {
            http.get(path);
        }
    },
];

#[track_caller]
fn echoes(session: &mut Engine, number: usize) {
    for part in 0..3 {
        let packet = text(format!("4{number} {part}"));
        session.send(packet.clone());
        assert_eq!(session.next_but_pings(), Some(packet));
    }
}

/// Ends a connection without a word.
pub fn reset(stream: &TcpStream) {
    socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO)).unwrap();
    let _ = stream.shutdown(Shutdown::Both);
}
