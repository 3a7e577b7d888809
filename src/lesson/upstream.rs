//! Where the mirrored functions are: gevent 26.9.0, Flask-SocketIO 5.7.0, python-socketio 5.18.1 and python-engineio 4.15.1.
//! The pages are held to this list.

/// Qualified name, file from the package's root, line of its `def`.
type Function = (&'static str, &'static str, usize);

/// As recorded by a tracer in a real run of the original.
const RECORDED: &[Function] = &[
    ("SocketIO.run", "flask_socketio/__init__.py", 577),
    ("_SocketIOMiddleware.__call__", "flask_socketio/__init__.py", 39),
    ("WSGIServer.__init__", "gevent/pywsgi.py", 1609),
    ("WSGIServer.init_socket", "gevent/pywsgi.py", 1671),
    ("WSGIServer.update_environ", "gevent/pywsgi.py", 1675),
    ("WSGIServer.handle", "gevent/pywsgi.py", 1696),
    ("WSGIHandler.handle_one_request", "gevent/pywsgi.py", 727),
    ("BaseServer.serve_forever", "gevent/baseserver.py", 397),
    ("BaseServer.start", "gevent/baseserver.py", 333),
    ("BaseServer.start_accepting", "gevent/baseserver.py", 186),
    ("BaseServer._do_read", "gevent/baseserver.py", 222),
    ("StreamServer.init_socket", "gevent/server.py", 167),
    ("_tcp_listener", "gevent/server.py", 258),
    ("getfqdn", "gevent/_socketcommon.py", 257),
    ("gethostbyaddr", "gevent/_socketcommon.py", 234),
    ("Resolver.gethostbyaddr", "gevent/resolver/thread.py", 65),
    ("GroupMappingMixin.apply", "gevent/pool.py", 140),
    ("ThreadPool.spawn", "gevent/threadpool.py", 533),
    ("_WorkerGreenlet.__run_task", "gevent/threadpool.py", 181),
    ("ThreadResult._on_async", "gevent/threadpool.py", 644),
    ("AsyncResult.get", "gevent/event.py", 332),
    ("Event.wait", "gevent/event.py", 140),
    ("Hub.run", "gevent/hub.py", 631),
    ("loop.run", "gevent/libuv/loop.py", 515),
    ("loop._run_callbacks", "gevent/libuv/loop.py", 194),
];

/// By hand, from the source: the first has a decorator, whose line the tracer gives; the others a start does not call.
const BY_HAND: &[Function] = &[
    ("StreamServer.get_listener", "gevent/server.py", 182),
    ("BaseServer.stop", "gevent/baseserver.py", 375),
    ("BaseServer.close", "gevent/baseserver.py", 347),
    ("Server.handle_request", "engineio/server.py", 188),
    ("Server._handle_connect", "engineio/server.py", 407),
    ("Server.shutdown", "engineio/server.py", 366),
    ("Socket._upgrade_websocket", "engineio/socket.py", 144),
    ("Socket._send_ping", "engineio/socket.py", 138),
    ("Server._handle_event_internal", "socketio/server.py", 610),
    ("Server.emit", "socketio/server.py", 119),
];

/// The line of a function.
pub fn line(qualname: &str, file: &str) -> Option<usize> {
    let mut all = RECORDED.iter().chain(BY_HAND);
    all.find(|function| (function.0, function.1) == (qualname, file)).map(|function| function.2)
}
